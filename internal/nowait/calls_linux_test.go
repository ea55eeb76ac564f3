package nowait_test

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"limegrove/internal/nowait"
)

func TestCalls(t *testing.T) {
	one, other := sockets(t)
	room := make([]byte, 1<<10)
	if n, err := nowait.Read(other, room); n != 0 || !errors.Is(err, unix.EAGAIN) {
		t.Errorf("read of nothing: %d, %v, want EAGAIN", n, err)
	}
	if n, err := nowait.Write(one, []byte("some")); n != 4 || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
	if n, err := nowait.Read(other, room); err != nil || string(room[:n]) != "some" {
		t.Errorf("read: %q, %v", room[:max(n, 0)], err)
	}

	var views [][]byte
	for i := range 40 {
		views = append(views, bytes.Repeat([]byte{byte('A' + i)}, i)) // one is empty
	}
	want := bytes.Join(views[:32], nil)
	if n, err := nowait.Writev(one, views); n != len(want) || err != nil {
		t.Errorf("writev: %d, %v, want %d", n, err, len(want))
	}
	if n, err := nowait.Read(other, room); err != nil || !bytes.Equal(room[:n], want) {
		t.Errorf("read: %q, %v, want %q", room[:max(n, 0)], err, want)
	}

	if err := unix.Shutdown(one, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	if n, err := nowait.Read(other, room); n != 0 || err != nil {
		t.Errorf("read at the end: %d, %v, want 0 and no error", n, err)
	}
	if _, err := nowait.Write(one, []byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("write behind the end: %v, want EPIPE", err)
	}
}

func TestPoll(t *testing.T) {
	one, other := sockets(t)
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(set)
	if err := unix.EpollCtl(set, unix.EPOLL_CTL_ADD, other, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 7}); err != nil {
		t.Fatal(err)
	}
	var events [4]unix.EpollEvent
	if n, err := nowait.Poll(set, events[:]); n != 0 || err != nil {
		t.Errorf("got %d events, %v, want none", n, err)
	}
	if _, err := nowait.Write(one, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := nowait.Poll(set, events[:]); n != 1 || err != nil || events[0].Fd != 7 || events[0].Events != unix.EPOLLIN {
		t.Errorf("got %d events, %v, the first %+v", n, err, events[0])
	}
	if _, err := nowait.Poll(-1, events[:]); !errors.Is(err, unix.EBADF) {
		t.Errorf("got %v, want EBADF", err)
	}
}

// sockets are two that are connected and do not block.
func sockets(t *testing.T) (one, other int) {
	t.Helper()
	both, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Close(both[0])
		_ = unix.Close(both[1])
	})
	return both[0], both[1]
}
