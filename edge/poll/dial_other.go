//go:build !linux

package poll

import "net/netip"

// Dial begins a TCP connection, and does not wait for it: what open's handler queues is
// written when there is one, and Handler.Closed is told when there will be none. from is the
// address that it comes from, on any free port, or the zero Addr for the system's choice. The
// error is ErrClosed, and open is never called then.
func (g *Group) Dial(from netip.Addr, to netip.AddrPort, open Opener) error {
	return g.dialStream(from, to, open)
}
