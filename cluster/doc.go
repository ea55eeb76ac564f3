// Package cluster tells who is there: gossip between all edges and routers, on
// hashicorp/memberlist.
//
// Every process is a member under its incarnation, a name that no other run ever
// had: a restarted edge is a new member, and the old one is declared dead in its
// own time. With its name a member spreads its zone, load and whether it drains
// (see [Member]).
//
// Members are found by the addresses in Config.Join. A DNS name there stands for
// all its addresses, as with a headless Kubernetes service; it is resolved again
// from time to time, and addresses that are no members are joined, so that a
// cluster whose halves lost each other grows together again.
//
// What this package says is an opinion of this member, nothing more. Messages are
// lost, processes stall, and two members may disagree for seconds. In particular
// an edge is dead only when gossip says so and its lease in Redis has run out as
// well; nobody else's registrations may be dropped on an [EventDead] alone.
//
// With Config.Keys gossip is encrypted (AES-GCM), and plain members or those with
// other keys are refused. Keys are rotated in three rollouts: add the new key last
// on all members, then put it first, then remove the old one.
//
// It does not elect, lock or store anything.
package cluster
