// Package load runs a whole cluster as processes of this machine, and measures what it
// does under a load of which LIME has to be understood: what many logins cost the others, how
// fast many clients come back to what has waited for them, what a crowd's presence costs, and
// how fast messages for groups come to all members. What any server can be asked, how many
// messages a second and how late, or what attacks cost the others, loadtest/swarm asks.
//
// Rates are open loop: a message is due at a moment, whatever became of those before,
// and its delays count from that moment. What is counted is exact: each message is
// known by its number, so that those that are lost, come twice or come out of order
// are told apart. The clients share the machine with the cluster, and their own share
// of the processors is told beside the others'.
//
// Where fewer processors than busy processes share a machine, Go programs take them from
// each other: each looks for work on all processors before it gives one up. With three
// brokers on two processors, 2,000 messages a second came within 65 ms for 99 of 100, and
// within 16 ms with one processor for each process ([Cluster].Processors). A cluster whose
// processes have machines of their own has no such delay.
//
// They are lean: one goroutine a connection, which looks for an id and an event in a
// frame and decodes nothing.
package load
