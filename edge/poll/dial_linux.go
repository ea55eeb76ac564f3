package poll

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// Dial begins a TCP connection as a bare socket, and does not wait for it: what open's handler
// queues is written when there is one, and Handler.Closed is told when there will be none.
// from is the address that it comes from, on any free port, or the zero Addr for the system's
// choice. Both are of one family, IPv4 or IPv6. The error is the system's, or ErrClosed, and
// open is never called then.
func (g *Group) Dial(from netip.Addr, to netip.AddrPort, open Opener) error {
	if g.cfg.Goroutines {
		return g.dialStream(from, to, open)
	}
	fd, err := dialSocket(from, to)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", to, err)
	}
	if !g.add(arrival{fd: int32(fd), remote: peerOf(to)}, open) {
		socketClose(fd)
		return ErrClosed
	}
	return nil
}

// dialSocket returns a socket that is connecting, or connected.
func dialSocket(from netip.Addr, to netip.AddrPort) (fd int, err error) {
	family := unix.AF_INET
	if to.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := connectSocket(fd, from, to); err != nil {
		socketClose(fd)
		return -1, err
	}
	return fd, nil
}

func connectSocket(fd int, from netip.Addr, to netip.AddrPort) error {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // as for those accepted
	if from.IsValid() {
		// The port is chosen when the other end is known too, so that one address has all its
		// ports for each of them. ip(7), IP_BIND_ADDRESS_NO_PORT.
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(from, 0))); err != nil {
			return os.NewSyscallError("bind", err)
		}
	}
	for {
		err := unix.Connect(fd, sockaddr(to))
		switch {
		case err == nil, errors.Is(err, unix.EINPROGRESS):
			return nil
		case !errors.Is(err, unix.EINTR):
			return os.NewSyscallError("connect", err)
		}
	}
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is6() {
		return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}
