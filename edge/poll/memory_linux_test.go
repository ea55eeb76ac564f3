package poll

import (
	"errors"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// idler is a handler as small as can be, which tells when something comes.
type idler struct{ got chan struct{} }

func (h idler) Data(_ *Turn, b []byte) (n, need int) {
	h.got <- struct{}{}
	return len(b), 0
}
func (idler) Timer(*Turn)         {}
func (idler) Drained(*Turn)       {}
func (idler) Closed(*Turn, error) {}

// Both ends are in this process, so the clients are bare descriptors too, and
// each has sent something before it falls idle.
func TestIdleSocketsAreCheap(t *testing.T) {
	const count, limit = 3000, 200
	got := make(chan struct{}, count)
	open := func(t *Turn, c *Conn) Handler {
		c.SetDeadline(t.Now.Add(time.Minute))
		return idler{got}
	}
	s := serveHandlers(t, kinds()[0], Config{}, func(netip.AddrPort) (Opener, []byte) { return open, nil })
	peers := make([]int, 0, count)
	defer func() {
		for _, fd := range peers {
			closeBare(fd)
		}
	}()
	to := netip.MustParseAddrPort(s.addr)
	grow := func(n int) uint64 {
		for range n {
			fd, err := dialBare(to)
			must(t, err)
			peers = append(peers, fd)
			_ = want(t, "the first byte", got)
		}
		var m runtime.MemStats
		for range 3 { // pools need two
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before := grow(100)
	each := float64(grow(count)-before) / count
	t.Logf("%.0f bytes of heap and stack for each of %d idle connections", each, count)
	if each > limit {
		t.Errorf("above %d", limit)
	}
}

// dialBare connects a descriptor and sends one byte.
func dialBare(to netip.AddrPort) (int, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return -1, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err != nil {
		return -1, errors.Join(err, syscall.Close(fd))
	}
	_, err = syscall.Write(fd, []byte("x"))
	return fd, err
}

func TestTurnsDoNotAllocate(t *testing.T) {
	s := serve(t, kinds()[0], nil, echo)
	nc := s.dial(t)
	b := make([]byte, 200)
	roundTrip := func() {
		_, err := nc.Write(b)
		must(t, err)
		for n := 0; n < len(b); {
			m, err := nc.Read(b[n:])
			must(t, err)
			n += m
		}
	}
	roundTrip()
	if n := testing.AllocsPerRun(1000, roundTrip); n >= 1 {
		t.Errorf("%v allocations for a frame there and back", n)
	}
}

// closeBare closes a descriptor that has done its duty.
func closeBare(fd int) { _ = syscall.Close(fd) }
