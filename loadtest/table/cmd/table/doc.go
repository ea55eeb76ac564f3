// Command table measures what the tables of loadtest/README.md has, one row after the other, each by
// one command line of the swarm, and writes the tables anew from the files of all rows that there are.
// Where the floor, package servers/floor, can be loaded by the same line, its figure stands beside.
//
// A row that cannot be measured ends it, with status 1; the rows before it are written. Run it in the
// root of the module, where bin has the programs.
package main
