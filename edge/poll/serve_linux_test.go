package poll

import (
	"crypto/tls"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// Small frames must not wait for the acknowledgement of the one before, a peer that does
// not read must not cost megabytes in the system, and nothing that we run shall inherit a
// client's socket.
func TestAcceptedSocketsAreSetUp(t *testing.T) {
	type flags struct {
		noDelay, nonblock, cloexec bool
		unsent                     int
	}
	each(t, func(t *testing.T, k kind) {
		set := make(chan flags, 1)
		open := func(_ *Turn, c *Conn) Handler {
			withSocket(t, c, func(fd int) {
				noDelay, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
				must(t, err)
				status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
				must(t, err)
				descriptor, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
				must(t, err)
				unsent, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT)
				must(t, err)
				set <- flags{noDelay != 0, status&unix.O_NONBLOCK != 0, descriptor&unix.FD_CLOEXEC != 0, unsent}
			})
			return idler{make(chan struct{}, 1)}
		}
		s := serveHandlers(t, k, k.config, func(netip.AddrPort) (Opener, []byte) { return open, nil })
		s.dial(t)
		if got := want(t, "connection", set); got != (flags{true, true, true, maxUnsent}) {
			t.Errorf("an accepted socket has %+v", got)
		}
	})
}

// withSocket lends the socket below a connection.
func withSocket(t *testing.T, c *Conn, use func(fd int)) {
	if c.stream == nil {
		use(int(c.fd))
		return
	}
	nc := c.stream.conn
	if over, ok := nc.(*tls.Conn); ok {
		nc = over.NetConn()
	}
	raw, err := nc.(*net.TCPConn).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { use(int(fd)) }))
}
