package nowait_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"limegrove/internal/nowait"
)

// A connection is one as package net describes it: deadlines, what is under way when it is closed, all from many
// goroutines.
func TestConnIsANetConn(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			nettest.TestConn(t, func() (one, other net.Conn, stop func(), err error) {
				one, other = pair(t, network)
				return one, other, func() {
					_ = one.Close()
					_ = other.Close()
				}, nil
			})
		})
	}
}

// What is longer than the system takes at once goes out whole and in order, while the peer takes its time.
func TestWriteIsWhole(t *testing.T) {
	one, other := pair(t, "tcp")
	text := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
	failed := make(chan error, 1)
	go func() {
		n, err := one.Write(text)
		if err == nil && n != len(text) {
			err = io.ErrShortWrite
		}
		failed <- errors.Join(err, one.Close())
	}()
	got, err := io.ReadAll(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, text) {
		t.Fatalf("%d bytes came, which are not the %d that were written", len(got), len(text))
	}
}

func TestErrorsAreThoseOfPackageNet(t *testing.T) {
	t.Run("a deadline", func(t *testing.T) {
		one, _ := pair(t, "tcp")
		if err := one.SetDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		_, read := one.Read(make([]byte, 1))
		_, write := one.Write([]byte("x"))
		wants(t, "read", read, os.ErrDeadlineExceeded)
		wants(t, "write", write, os.ErrDeadlineExceeded)
	})
	t.Run("closed", func(t *testing.T) {
		one, _ := pair(t, "tcp")
		if err := one.Close(); err != nil {
			t.Fatal(err)
		}
		_, read := one.Read(make([]byte, 1))
		_, write := one.Write([]byte("x"))
		wants(t, "read", read, net.ErrClosed)
		wants(t, "write", write, net.ErrClosed)
	})
	t.Run("reset", func(t *testing.T) {
		one, other := pair(t, "tcp")
		below, err := other.(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := below.Control(func(fd uintptr) {
			err = syscall.SetsockoptLinger(int(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
		}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(err, other.Close()); err != nil {
			t.Fatal(err)
		}
		_, read := one.Read(make([]byte, 1))
		wants(t, "read", read, syscall.ECONNRESET)
	})
	t.Run("end", func(t *testing.T) {
		one, other := pair(t, "tcp")
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := one.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // it is returned bare
			t.Errorf("got %v, want EOF", err)
		}
	})
}

func wants(t *testing.T, op string, err, cause error) {
	t.Helper()
	var told *net.OpError
	if !errors.As(err, &told) || told.Op != op || told.Addr == nil || !errors.Is(err, cause) {
		t.Errorf("%s: got %v, want a net.OpError of %v", op, err, cause)
	}
}

func TestConnDoesNotAllocate(t *testing.T) {
	one, other := pair(t, "tcp")
	text, room := []byte("some"), make([]byte, 16)
	if got := testing.AllocsPerRun(100, func() {
		if _, err := one.Write(text); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Read(room); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("%v allocations to write and to read, want none", got)
	}
}

// What is no socket stays what it is.
func TestNoSocket(t *testing.T) {
	one, other := net.Pipe()
	defer other.Close()
	defer one.Close()
	if got := nowait.Conn(one); got != one {
		t.Errorf("got %T, want the pipe", got)
	}
}

// pair is both ends of a connection.
func pair(t *testing.T, network string) (one, other net.Conn) {
	t.Helper()
	l, err := nettest.NewLocalListener(network)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	c, err := (&net.Dialer{}).DialContext(t.Context(), network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	one, other = nowait.Conn(c), nowait.Conn(<-accepted)
	t.Cleanup(func() {
		_ = one.Close()
		_ = other.Close()
	})
	return one, other
}
