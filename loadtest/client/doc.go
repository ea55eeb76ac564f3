// Package client holds very many WebSocket clients in one loop.
//
// An [Engine] opens sockets by the plan that it is given, as fast as that says, and logs them in
// by a protocol's adapter; what comes then it reads into events for a [Handler]. A client has no
// goroutine and, while nothing is under way, no buffer: it is a [Client] of 32 bytes beside its
// poll.Conn. Pings are answered here. All that one turn of the loop has to say to one server over
// one socket leaves in one write.
//
// Everything is owned by the loop: handlers are called by it, and the methods of Engine and
// Client are for it alone, but for those that say otherwise.
package client
