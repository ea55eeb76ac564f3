// Package poll owns very many byte streams without a goroutine for each.
//
// A [Group] runs a few loops, by default one for each core. A connection
// belongs to one loop for its whole life, and all calls to its [Handler] come
// from that loop, so a handler needs no lock for what only it touches. A loop
// works in turns: it sleeps until sockets are ready, a deadline has passed or
// somebody has posted something, gives all of it to the handlers, and at the
// end of the turn writes what they have queued, one write for each socket.
//
// Writing is anybody's: a frame is copied into the connection's out queue by
// [Conn.Append], [Batch.Append] or the turn's own batch, and leaves with the
// next flush, in the order of the appends. Nothing here ever waits for a peer:
// what a socket does not take stays queued, up to a bound, and the loop writes
// on when there is room again.
//
// # Two kinds of connection
//
// On Linux the sockets that [Group.Serve] accepts from a plain TCP listener
// are bare descriptors in the loop's epoll set. Such a connection that is idle
// costs its Conn and nothing else: reads go to one buffer of the loop, out
// buffers come from a pool and return to it. Any other [net.Conn], that is TLS
// and everything on other systems, gets a goroutine that reads and hands its
// bytes to the loop, and one that writes for as long as there is something to
// write. A handler cannot tell the difference, and one suite tests both.
//
// A loop does not lock a thread in epoll_wait. It parks in the poller of the
// Go runtime, which watches the epoll descriptor like any other one: waking a
// goroutine costs much less than waking a thread.
//
// # What it does not do
//
// It knows no protocol, limits no rates, and does not recover from a handler
// that panics. It does not spread the work of one connection over cores.
package poll
