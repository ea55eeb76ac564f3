// Package protocol is what the swarm needs to know of a protocol, so that one generator loads
// servers of any kind and counts them by the same rules.
//
// An adapter is one small package below this one, with a type that has the methods of
// [Protocol]: how a client logs in, how it says a message, and what it makes of what it is
// told. [Keeper] and [Rooms] are for servers that can do more. Package limews is the one for
// LIME and the example to follow. To add another:
//
//  1. Write it, and test that it reads what the server says for what it appends, best with the
//     server itself.
//  2. Give it a name in the table of package loadtest/adapters.
//
// Nothing is kept about a client or a message: a message's [Stamp] is in it, as 32 letters of
// its content or as its id, and tells by itself which one it is and when it was due.
package protocol
