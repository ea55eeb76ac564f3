package poll

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// source accepts bare sockets where it can.
func (g *Group) source(ln net.Listener) (source, error) {
	tcp, ok := ln.(*net.TCPListener)
	if !ok || g.cfg.Goroutines {
		return listenerSource{ln}, nil
	}
	// A TCPListener does not let others wait for it, a file does.
	file, err := tcp.File()
	if err != nil {
		return nil, err
	}
	s := &socketSource{file: file}
	s.accept = s.acceptOnce
	s.raw, err = file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

// socketSource accepts the descriptors of a TCP listener.
type socketSource struct {
	file   *os.File
	raw    syscall.RawConn
	closed atomic.Bool

	// Owned by next.
	accept func(fd uintptr) bool
	fd     int
	peer   unix.Sockaddr
	err    error
}

func (s *socketSource) next() (arrival, error) {
	if err := s.raw.Read(s.accept); err != nil {
		return arrival{}, err
	}
	if s.err != nil {
		return arrival{}, os.NewSyscallError("accept4", s.err)
	}
	// It fails only on a socket that is broken, which the first read tells. The
	// listener could have it inherited, but not by who connected before Serve.
	_ = unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	limitUnsent(s.fd)
	return arrival{fd: int32(s.fd), among: newcomer, remote: peerOf(sockaddrPort(s.peer))}, nil
}

// maxUnsent is how many bytes the system takes for a peer that it cannot send on to
// for now. It would take megabytes for one that does not read, where none of our bounds
// holds; what is on its way to one that reads is not bounded by it. tcp(7),
// TCP_NOTSENT_LOWAT.
const maxUnsent = 12 << 10

func limitUnsent(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)
}

// limitUnsentBelow does so for a connection over TCP, or over something over it.
func limitUnsentBelow(nc net.Conn) {
	if raw := rawBelow(nc); raw != nil {
		_ = raw.Control(func(fd uintptr) { limitUnsent(int(fd)) }) // it is closed already, then
	}
}

// acceptOnce says whether next is done.
func (s *socketSource) acceptOnce(fd uintptr) bool {
	for {
		s.fd, s.peer, s.err = unix.Accept4(int(fd), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if !errors.Is(s.err, unix.EINTR) {
			return !errors.Is(s.err, unix.EAGAIN)
		}
	}
}

func (s *socketSource) close() {
	if !s.closed.Swap(true) {
		_ = s.file.Close() // nothing was written to it
	}
}

func sockaddrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	default:
		return netip.AddrPort{}
	}
}
