// Package history is what a run of the fault injector leaves behind: a file of what
// clients said and saw and of what was done to the cluster, one JSON object a line,
// in the order in which it happened. Whoever judges a run knows only this file.
//
// # When a line is written
//
// The times are those of one recorder's monotonic clock, and are taken under the
// lock that also orders the lines. What a client does is recorded before it does it
// (Sent, Ended by its own will), what it sees after it has read it (Accepted,
// Delivered, Established) and before it acts on that. So when one line stands before
// another, and the first is something seen and the second something done, the first
// really came first.
//
// # Who and what
//
// A session has a name of its own in the file; LIME's id of it is in Established
// only, with its node and the edge. A message has an id that no other message in the
// file has, and in its content its sender's node and its number among those that the
// sender sent to the same address: what a recipient reads there is in Delivered
// beside what the envelope said. Addresses are written in the spelling of the
// sessions' nodes, complete but for the instance of an identity.
//
// Several files of one recorder may be read as one; they are merged by time.
package history
