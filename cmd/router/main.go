// Command router answers the commands that are addressed to a cluster's server,
// verifies passwords, and cleans up after dead edges. It is stateless: run any
// number of them.
package main

import (
	"os"

	"limegrove/cmd/internal/process"
)

func main() { os.Exit(process.Main(run, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)) }
