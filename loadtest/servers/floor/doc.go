// Package floor is the least that a messaging server could be: it hands what one client says to
// another, or to a room, and does nothing else. What it costs is what sockets, WebSocket frames
// and the loops of edge/poll cost; what another server costs above that is its own.
//
// There is no login, no address but a number, no limit, and one process: nothing to be run for
// anything but comparisons. A message of a client is one letter, a number of 4 bytes, the
// most significant first, and content:
//
//	i number          the client's own; the answer is the same
//	m number content  to that client, which gets it as it is
//	j number          the client enters a room; the answer is the same
//	p number content  to all in that room, who get it as it is
package floor
