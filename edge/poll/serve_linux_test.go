package poll

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// Small frames must not wait for the acknowledgement of the one before, and
// nothing that we run shall inherit a client's socket.
func TestAcceptedSocketsAreSetUp(t *testing.T) {
	type flags struct{ noDelay, nonblock, cloexec bool }
	set := make(chan flags, 1)
	open := func(_ *Turn, c *Conn) Handler {
		noDelay, err := unix.GetsockoptInt(int(c.fd), unix.IPPROTO_TCP, unix.TCP_NODELAY)
		must(t, err)
		status, err := unix.FcntlInt(uintptr(c.fd), unix.F_GETFL, 0)
		must(t, err)
		descriptor, err := unix.FcntlInt(uintptr(c.fd), unix.F_GETFD, 0)
		must(t, err)
		set <- flags{noDelay != 0, status&unix.O_NONBLOCK != 0, descriptor&unix.FD_CLOEXEC != 0}
		return idler{make(chan struct{}, 1)}
	}
	s := serveHandlers(t, kinds()[0], Config{}, func(netip.AddrPort) (Opener, []byte) { return open, nil })
	s.dial(t)
	if got := want(t, "connection", set); got != (flags{true, true, true}) {
		t.Errorf("an accepted socket has %+v", got)
	}
}
