// Package table makes tables of what was measured: figures of reports, numbers with their units, and
// pages whose tables are written by a program. Command table below it has the rows of
// loadtest/README.md, and loadtest/compare those that hold servers against each other.
package table
