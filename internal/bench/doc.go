// Package bench holds the benchmarks that matter against a baseline, in a way that
// says the same on every machine.
//
// The baseline is a file in Go's benchmark format in this folder. It has two things. One
// is the allocations of an operation and their bytes, which depend on the code and the
// compiler alone: they are compared as they stand, and a rise fails. The other is a
// commit. Times of another machine or another day are worth nothing, so the
// benchmarks of that commit are built and run beside those of the working tree, in
// turns, and what counts is the ratio, as benchstat tells it.
//
// Which benchmarks matter is told by [Suite].
package bench
