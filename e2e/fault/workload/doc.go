// Package workload is the people of a faulty cluster: some hundred clients that write
// to each other, each message with an id, and record what they say and see.
//
// # Who they are
//
// Every identity has an account. Most have one node, some have several at once. By its
// temper a client is
//
//   - steady: always there, unless its session is taken from it;
//   - a commuter: away now and then, with or without a good-bye;
//   - a dreamer: stops reading without closing, for a while, and then goes on or never
//     reads from that connection again;
//   - a mover: logs in elsewhere while its session lives, which the newer one replaces;
//   - a sleeper: away from its first session until all is quiet.
//
// Half of them say received for what they get, and some of it consumed; the others only
// answer pings. One in four connects over TCP, where the pings are LIME's. A client whose
// session is lost comes back to any edge: at once to the next when one takes no
// connection, and else with back-off.
//
// Some are in groups, and write to these as to other addresses.
//
// # How they send
//
// To one address a sender numbers its messages, and puts its node and the number into
// the content. What was answered by failed 51, or not answered when its session ended,
// it sends again with the same id: in order, before anything new, and only within the
// cluster's window for duplicates. After a failed 51 half of the senders do so in the
// same session a moment later, the others log in anew for it.
//
// # How it ends
//
// Settle stops new messages, brings everybody back and waits until nothing is missing
// any more. Who is to judge that is the checker; what this package knows of deliveries
// only tells when waiting longer is useless.
package workload
