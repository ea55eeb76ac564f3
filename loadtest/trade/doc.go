// Command trade is an experiment, and no part of the product: it compares two ways of bringing an envelope to the
// edge that has its recipient, with a real nats-server and several processes that do nothing else.
//
//   - identity: an edge subscribes to the subject of each of its identities, as Limegrove does. A sender publishes to
//     that.
//   - edge: an edge subscribes to one subject of its own. A sender looks up in its memory which edge has
//     the recipient, publishes to that edge's, and puts the recipient before the envelope. An
//     edge that does not have it sends it on to where it is.
//
// The memory of where everybody is knows all identities here, and costs a sender no question, which is as good as
// such a cache can be; -stale says how many of a hundred it believes to be where they are not.
//
// Each edge publishes to identities at random among all, and counts what it has for its own. Run it somewhere in the
// module:
//
//	go run ./loadtest/trade -mode identity
//	go run ./loadtest/trade -mode edge -stale 1
package main
