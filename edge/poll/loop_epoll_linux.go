package poll

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"limegrove/internal/nowait"
)

const (
	maxEvents = 256 // a turn; the others are the next turn's
	wakeSlot  = -1
	newSlot   = -2 // the newcomers' set
)

// epollPoller is a level-triggered epoll set. It parks in the runtime's poller,
// which watches the epoll descriptor, because that wakes a goroutine, where
// epoll_wait itself would need a thread that sleeps in the kernel.
type epollPoller struct {
	file  *os.File // the epoll descriptor
	raw   syscall.RawConn
	fd    int
	bell  *os.File // an eventfd, edge-triggered, so that nobody has to read it
	late  int      // the newcomers' set, which is in the other one
	armed bool     // the other one tells of it, once
	told  bool     // it has

	poll   func(fd uintptr) bool // made once, so that wait does not allocate
	sleep  bool
	n      int
	err    error
	until  time.Time // the read deadline of file
	events [maxEvents]unix.EpollEvent
	new    [newcomersOfTurn]unix.EpollEvent
	ready  [maxEvents]ready
	fresh  [newcomersOfTurn]ready
}

func newPoller() (poller, error) {
	p := new(epollPoller)
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fd))
	}
	p.fd = fd
	p.file = os.NewFile(uintptr(fd), "epoll")
	p.raw, err = p.file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, p.file.Close())
	}
	// Not O_NONBLOCK: the runtime need not watch it, and it never blocks.
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("eventfd", err), p.file.Close())
	}
	p.bell = os.NewFile(uintptr(bell), "eventfd")
	p.poll = p.pollOnce
	err = control(p.fd, unix.EPOLL_CTL_ADD, bell, wakeSlot, unix.EPOLLIN|unix.EPOLLET)
	if err == nil {
		p.late, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		err = os.NewSyscallError("epoll_create1", err)
	}
	if err == nil {
		err = control(p.fd, unix.EPOLL_CTL_ADD, p.late, newSlot, 0)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *epollPoller) wait(sleep bool, until time.Time, newcomers int) (here, late []ready, err error) {
	p.sleep, p.n, p.err = sleep, 0, nil
	if newcomers > 0 && p.told {
		p.sleep = false
	} else if newcomers > 0 && !p.armed {
		// Once, so that it need not be taken back where nobody wants to know.
		if err := control(p.fd, unix.EPOLL_CTL_MOD, p.late, newSlot, unix.EPOLLIN|unix.EPOLLONESHOT); err != nil {
			return nil, nil, err
		}
		p.armed = true
	}
	if !until.Equal(p.until) {
		p.until = until
		if err := p.file.SetReadDeadline(until); err != nil {
			return nil, nil, fmt.Errorf("set the deadline of epoll: %w", err)
		}
	}
	err = p.raw.Read(p.poll)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.until = time.Time{}
		if err := p.file.SetReadDeadline(p.until); err != nil {
			return nil, nil, fmt.Errorf("clear the deadline of epoll: %w", err)
		}
		p.pollOnce(uintptr(p.fd))
	} else if err != nil {
		return nil, nil, fmt.Errorf("park in epoll: %w", err)
	}
	if p.err != nil {
		return nil, nil, os.NewSyscallError("epoll_wait", p.err)
	}
	return p.translate(newcomers)
}

// pollOnce says whether wait is done.
func (p *epollPoller) pollOnce(fd uintptr) bool {
	p.n, p.err = nowait.Poll(int(fd), p.events[:])
	if errors.Is(p.err, unix.EINTR) {
		p.n, p.err = 0, nil
	}
	return p.n > 0 || p.err != nil || !p.sleep
}

func (p *epollPoller) translate(newcomers int) (here, late []ready, err error) {
	here, late = p.ready[:0], p.fresh[:0]
	for i := range p.events[:max(p.n, 0)] {
		switch e := &p.events[i]; e.Fd {
		case wakeSlot:
		case newSlot:
			p.armed, p.told = false, true
		default:
			here = append(here, readyBy(e))
		}
	}
	if newcomers == 0 || !p.told {
		return here, nil, nil
	}
	p.told = false
	n, err := nowait.Poll(p.late, p.new[:newcomers])
	if err != nil && !errors.Is(err, unix.EINTR) { // then the next turn is told again
		return nil, nil, os.NewSyscallError("epoll_wait", err)
	}
	for i := range p.new[:max(n, 0)] {
		late = append(late, readyBy(&p.new[i]))
	}
	return here, late, nil
}

func readyBy(e *unix.EpollEvent) ready {
	const broken = unix.EPOLLERR | unix.EPOLLHUP
	r := ready{slot: e.Fd, hup: e.Events&broken != 0}
	if e.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|broken) != 0 {
		r.what |= readable
	}
	if e.Events&(unix.EPOLLOUT|broken) != 0 {
		r.what |= writable
	}
	return r
}

func (p *epollPoller) wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	// It fails only when the loop has ended, and then there is nobody to wake.
	_, _ = p.bell.Write(one[:])
}

// set is the one that a socket is in.
func (p *epollPoller) set(what interest) int {
	if what&newcomer != 0 {
		return p.late
	}
	return p.fd
}

func (p *epollPoller) add(fd int, slot int32, what interest) error {
	return control(p.set(what), unix.EPOLL_CTL_ADD, fd, slot, what.events())
}

func (p *epollPoller) change(fd int, slot int32, what interest) error {
	return control(p.set(what), unix.EPOLL_CTL_MOD, fd, slot, what.events())
}

// remove also forgets a descriptor that a child process shares for a moment,
// which closing it does not.
func (p *epollPoller) remove(fd int, what interest) {
	// It fails only when the descriptor was never added.
	_ = control(p.set(what), unix.EPOLL_CTL_DEL, fd, 0, 0)
}

func control(set, op, fd int, slot int32, events uint32) error {
	e := unix.EpollEvent{Events: events, Fd: slot}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(set, op, fd, &e))
}

func (p *epollPoller) close() {
	_ = p.file.Close() // nothing was written to either
	_ = p.bell.Close()
	if p.late > 0 {
		socketClose(p.late)
	}
}

func (i interest) events() (events uint32) {
	if i&readable != 0 {
		events |= unix.EPOLLIN | unix.EPOLLRDHUP
	}
	if i&writable != 0 {
		events |= unix.EPOLLOUT
	}
	return events
}
