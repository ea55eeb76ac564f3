// Package inject draws a schedule of faults from a seed, and does it to a cluster.
//
// Faults come at random times and may overlap, within bounds that keep a run fair: what
// it asks for can be had from any cluster of this size.
//
//   - One broker of three is harmed at a time, so that streams have a majority, but for
//     brokers-all, which kills all and starts them again within seconds. Before the next
//     broker is harmed the last has a few seconds to catch up.
//   - One edge of three at least is neither away, standing still, draining nor cut from
//     all brokers, so that clients have somewhere to go. One that is slow may be it.
//   - A process has one fault at a time, and a moment to recover; there are three faults
//     at a time at most.
//   - All routers may be away, and Redis, for as long as it says.
//
// The kinds are drawn from a bag that holds each once, and is filled anew when it is
// empty, so that a run has all kinds about equally often.
//
// What is not done: no clock but Redis's is changed, disks are not filled or broken, and
// the power is never cut: what a broker has written but not synced survives its death
// here.
package inject
