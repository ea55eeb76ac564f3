// Package fleet spreads a load over worker processes: a process has too few descriptors for very
// many clients, and one loop has one processor.
//
// A worker is this program again, with one argument, which is told its part on its standard input
// and tells what becomes of it on its standard output: one JSON value a line, [order]s in and
// [report]s out. Times are counted from an epoch that all are given, so that a message's delay is
// the same for whoever counts it. A worker ends when its input does.
package fleet
