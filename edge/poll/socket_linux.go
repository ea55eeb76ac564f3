package poll

import (
	"errors"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"limegrove/internal/nowait"
)

// socketRead reads what is there. The error is errBlocked when that is nothing,
// and io.EOF at the end.
func socketRead(fd int, b []byte) (int, error) {
	for {
		n, err := nowait.Read(fd, b)
		switch {
		case n > 0:
			return n, nil
		case err == nil:
			return 0, io.EOF
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return 0, errBlocked
		default:
			return 0, os.NewSyscallError("read", err)
		}
	}
}

// socketWrite writes what the socket takes; errBlocked says that it takes no more.
func socketWrite(fd int, views [][]byte) (n int, err error) {
	for {
		if len(views) == 1 {
			n, err = nowait.Write(fd, views[0])
		} else {
			n, err = nowait.Writev(fd, views)
		}
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return 0, errBlocked
		default:
			return 0, os.NewSyscallError("write", err)
		}
	}
}

func socketHalfClose(fd int) error {
	return os.NewSyscallError("shutdown", unix.Shutdown(fd, unix.SHUT_WR))
}

// socketError is why the system has ended the connection.
func socketError(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if code == 0 {
		return io.EOF
	}
	return os.NewSyscallError("read", unix.Errno(code))
}

// socketAcknowledged is Conn.Acknowledged of a socket. What is outstanding is asked first:
// the sum is then no less than what was written. tcp(7), SIOCOUTQ and TCP_INFO.
func socketAcknowledged(fd int) (acknowledged, outstanding uint64, ok bool) {
	waiting, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return 0, 0, false
	}
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, 0, false
	}
	return info.Bytes_acked, uint64(waiting), true
}

// socketConn returns a connection of its own over a socket, which stays as it is.
func socketConn(fd int) (net.Conn, error) {
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(copied), "")
	defer file.Close()
	return net.FileConn(file)
}

// socketClose cannot fail in a way that matters: nothing is buffered here.
func socketClose(fd int) { _ = unix.Close(fd) }
