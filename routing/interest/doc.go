// Package interest keeps very many subscriptions of one connection to NATS in almost no memory.
//
// To the client library a subscription is an object with locks, limits and a place in a map:
// half a kilobyte, for each of an edge's hubs, though all that differs between them is the subject. Here
// many subjects share one subscription of the library, a [Channel], and each costs a string header. What
// comes for them is parsed, bounded, counted when it is dropped, and handed out by the library as
// for any subscription.
//
// It takes two things.
//
// SUB and UNSUB of these subjects are written between the library's own writes: [Option] puts a
// connection beneath the library that does so. Each of the library's writes is a number of whole
// protocol operations, so that there is always room between two. The SUB of the channel's own
// subscription, on the first connection as after each that broke, is followed by all of the channel's
// subjects at once: so they are in force again before whatever the library's user
// sends when it hears that the connection is back.
//
// And the broker must be told subscription numbers that differ, of which the library thinks that they
// are the channel's. To the broker a number is a text, and comes back as it was. The library
// reads it modulo 2^64. So the k-th subject of the channel n has the number k·2^64 + n. That the library does so is no
// promise of its own: the tests of this package fail with one that does not.
//
// What is not done: queue groups, limits for a single subject, and connections over WebSocket, where a
// write is a frame.
package interest
