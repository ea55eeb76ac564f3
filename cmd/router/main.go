// Command router answers the commands that are addressed to a cluster's server,
// verifies passwords, and cleans up after dead edges. It is stateless: run any
// number of them.
package main

import "limegrove/cmd/internal/process"

func main() { process.Main(run) }
