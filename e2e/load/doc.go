// Package load runs a whole cluster as processes of this machine, and measures what it
// does under load: how many stored messages a second, how late they are, what they
// cost each process, what a client that stops reading costs the others, and how fast
// many clients come back to what has waited for them.
//
// Rates are open loop: a message is due at a moment, whatever became of those before,
// and its delays count from that moment. What is counted is exact: each message is
// known by its number, so that those that are lost, come twice or come out of order
// are told apart. The clients share the machine with the cluster, and their own share
// of the processors is told beside the others'.
//
// They are lean: one goroutine a connection, which looks for an id and an event in a
// frame and decodes nothing.
package load
