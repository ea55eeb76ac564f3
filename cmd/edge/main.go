// Command edge ends LIME sessions. Started with no arguments it is a whole cluster
// of one: it embeds a NATS server with JetStream and a Redis, runs a router inside,
// and prints how to add a second edge.
package main

import (
	"os"

	"limegrove/cmd/internal/process"
)

func main() { os.Exit(process.Main(run, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)) }
