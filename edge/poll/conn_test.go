package poll

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestEchoesEveryByteInOrder(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := serve(t, k, func(cfg *Config) { cfg.QueueLimit = 64 << 20 }, echo)
		var clients sync.WaitGroup
		for seed := range uint64(4) {
			nc := s.dial(t)
			clients.Go(func() { exchange(t, nc, seed, randomBytes(seed, 2<<20)) })
		}
		clients.Wait()
	})
}

// Frames of all lengths are cut anywhere. The handler takes whole ones, leaves
// the last in part, and says how much it needs.
func TestUnreadBytesComeAgain(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := serve(t, k, func(cfg *Config) { cfg.QueueLimit = 64 << 20 }, func(f *fake) {
			needed := 0
			f.data = func(turn *Turn, b []byte) (n, need int) {
				if len(b) < needed {
					t.Errorf("called with %d bytes, needs %d", len(b), needed)
				}
				for needed = 0; ; {
					frame, ok := cutFrame(b[n:])
					if !ok {
						needed = frame
						return n, needed
					}
					if err := turn.Batch.Append(f.conn, b[n:n+4], b[n+4:n+frame]); err != nil {
						f.conn.Close(err)
						return n, 0
					}
					n += frame
				}
			}
		})
		sizes := rand.New(rand.NewPCG(1, 2))
		var stream []byte
		for range 300 {
			size := sizes.IntN(1 << sizes.IntN(18))
			stream = binary.BigEndian.AppendUint32(stream, uint32(size))
			stream = append(stream, randomBytes(uint64(size), size)...)
		}
		exchange(t, s.dial(t), 3, stream)
	})
}

// cutFrame returns the length of the frame at the beginning of b, or, if it is
// not whole, how many bytes there must be; 0 when that is not known.
func cutFrame(b []byte) (n int, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	n = 4 + int(binary.BigEndian.Uint32(b))
	return n, len(b) >= n
}

func TestConcurrentAppendsStayWholeAndInOrder(t *testing.T) {
	const senders, frames = 8, 2000
	each(t, func(t *testing.T, k kind) {
		opened := make(chan *Conn, 1)
		s := serve(t, k, func(cfg *Config) { cfg.QueueLimit = 64 << 20 }, func(f *fake) { opened <- f.conn })
		nc := s.dial(t)
		handshake(t, nc)
		c := want(t, "connection", opened)
		var all sync.WaitGroup
		for sender := range byte(senders) {
			all.Go(func() {
				var batch Batch
				for i := range frames {
					head := binary.BigEndian.AppendUint32([]byte{sender}, uint32(i))
					if sender%2 == 0 {
						must(t, c.Append(head, []byte("body")))
						c.Flush()
						continue
					}
					must(t, batch.Append(c, head, []byte("body")))
					if i%7 == 0 || i == frames-1 {
						batch.Flush()
					}
				}
			})
		}
		var next [senders]uint32
		for range senders * frames {
			var frame [9]byte
			_, err := io.ReadFull(nc, frame[:])
			must(t, err)
			sender, i := frame[0], binary.BigEndian.Uint32(frame[1:])
			if string(frame[5:]) != "body" || int(sender) >= senders || i != next[sender] {
				t.Fatalf("frame %q is not whole or not in order", frame)
			}
			next[sender]++
		}
		all.Wait()
	})
}

func TestFullQueueRefusesUntilDrained(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		opened, drained := make(chan *Conn, 1), make(chan int, 1)
		s := serve(t, k, func(cfg *Config) { cfg.QueueLimit = 100_000 }, func(f *fake) {
			opened <- f.conn
			f.drained = func(*Turn) { drained <- f.conn.Queued() }
		})
		nc := s.dial(t)
		handshake(t, nc)
		c := want(t, "connection", opened)
		taken, err := 0, error(nil)
		for frame := make([]byte, 10_000); err == nil; {
			if err = c.Append(nil, frame); err == nil {
				taken += len(frame)
			}
			c.Flush()
			if taken > 1<<30 {
				t.Fatal("the queue is never full")
			}
		}
		if !errors.Is(err, ErrFull) {
			t.Fatalf("a full queue says %v", err)
		}
		if n := c.Queued(); n > 100_000 {
			t.Errorf("%d bytes are queued, above the limit", n)
		}
		_, err = io.CopyN(io.Discard, nc, int64(taken))
		must(t, err)
		if n := want(t, "Drained", drained); n != 0 {
			t.Errorf("%d bytes are queued when drained", n)
		}
		must(t, c.Append(nil, []byte("x")))
		c.Flush()
		_, err = io.CopyN(io.Discard, nc, 1)
		must(t, err)
	})
}

func TestEmptyQueueTakesALongFrameOnce(t *testing.T) {
	opened := make(chan *Conn, 1)
	s := serve(t, kinds()[0], func(cfg *Config) { cfg.MaxAppend = 1000 }, func(f *fake) {
		f.conn.SetQueueLimit(10)
		opened <- f.conn
	})
	s.dial(t)
	c := want(t, "connection", opened)
	if err := c.Append(make([]byte, 500), make([]byte, 501)); !errors.Is(err, ErrTooLong) {
		t.Errorf("a frame above MaxAppend: %v", err)
	}
	must(t, c.Append(make([]byte, 500), make([]byte, 500)))
	if n := c.Queued(); n != 1000 {
		t.Errorf("%d bytes are queued", n)
	}
}

func TestSlowReaderHarmsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := serve(t, k, func(cfg *Config) { cfg.Loops = 1 }, func(f *fake) {
			f.data = func(turn *Turn, b []byte) (n, need int) {
				if err := turn.Batch.Append(f.conn, nil, b); errors.Is(err, ErrFull) {
					f.conn.PauseRead()
					return 0, 0
				}
				return len(b), 0
			}
			f.drained = func(*Turn) { f.conn.ResumeRead() }
		})
		slow, quick := s.dial(t), s.dial(t)
		handshake(t, slow)
		sent := randomBytes(1, 16<<20)
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() {
			_, err := slow.Write(sent)
			must(t, err)
		})
		for seed := range uint64(20) {
			exchange(t, quick, seed, randomBytes(seed, 50_000))
		}
		got := make([]byte, len(sent))
		_, err := io.ReadFull(slow, got)
		must(t, err)
		if !bytes.Equal(got, sent) {
			t.Error("the slow reader got other bytes than it sent")
		}
	})
}

func TestDeadlineCutsHalfAFrame(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		closed := make(chan chan error, 1)
		late := errors.New("late")
		s := serve(t, k, nil, func(f *fake) {
			closed <- f.closed
			at := time.Now().Add(300 * time.Millisecond)
			f.conn.SetDeadline(at)
			f.data = func(*Turn, []byte) (n, need int) { return 0, 100 }
			f.timer = func(turn *Turn) {
				if turn.Now.Before(at) {
					t.Errorf("called %v early", at.Sub(turn.Now))
				}
				f.conn.Close(late)
			}
		})
		nc := s.dial(t)
		_, err := nc.Write([]byte("half a frame"))
		must(t, err)
		if err := want(t, "Closed", want(t, "connection", closed)); !errors.Is(err, late) {
			t.Errorf("closed with %v", err)
		}
		if _, err := nc.Read(make([]byte, 1)); err == nil {
			t.Error("the peer is still connected")
		}
	})
}

func TestPeerThatLeavesEndsItsConnection(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		closed := make(chan chan error, 1)
		s := serve(t, k, nil, func(f *fake) { closed <- f.closed })

		nc := s.dial(t)
		handshake(t, nc)
		must(t, nc.Close())
		if err := want(t, "Closed", want(t, "connection", closed)); !errors.Is(err, io.EOF) {
			t.Errorf("the peer has ended its side: %v", err)
		}

		nc = s.dial(t)
		handshake(t, nc)
		must(t, tcpOf(nc).SetLinger(0))
		must(t, tcpOf(nc).Close())
		if err := want(t, "Closed", want(t, "connection", closed)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer has reset: %v", err)
		}
	})
}

func TestPausedConnectionReadsNothingButNoticesAReset(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		opened, got := make(chan *fake, 1), make(chan string, 10)
		s := serve(t, k, nil, func(f *fake) {
			f.data = func(_ *Turn, b []byte) (n, need int) {
				got <- string(b)
				f.conn.PauseRead()
				return 1, 0
			}
			opened <- f
		})
		nc := s.dial(t)
		_, err := nc.Write([]byte("abc"))
		must(t, err)
		f := want(t, "connection", opened)
		if b := want(t, "Data", got); b != "abc" {
			t.Errorf("got %q", b)
		}
		_, err = nc.Write([]byte("def"))
		must(t, err)
		turns(t, f.conn, 3)
		if len(got) != 0 {
			t.Errorf("got %q while paused", <-got)
		}
		must(t, f.conn.Post(func(*Turn) { f.conn.ResumeRead() }))
		if b := want(t, "Data", got); b != "bc" {
			t.Errorf("got %q first when resumed", b)
		}
		if k.name != "sockets" {
			return // a goroutine that is not reading notices nothing
		}
		must(t, tcpOf(nc).SetLinger(0))
		must(t, tcpOf(nc).Close())
		if err := want(t, "Closed", f.closed); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer has reset: %v", err)
		}
	})
}

func TestTooMuchUnreadClosesTheConnection(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		for _, need := range []int{0, 1 << 30} {
			closed := make(chan chan error, 1)
			s := serve(t, k, func(cfg *Config) { cfg.MaxUnread = 100_000 }, func(f *fake) {
				f.data = func(*Turn, []byte) (int, int) { return 0, need }
				closed <- f.closed
			})
			nc := s.dial(t)
			_, _ = nc.Write(make([]byte, 10<<20)) // it may be cut before the end
			if err := want(t, "Closed", want(t, "connection", closed)); !errors.Is(err, ErrTooLong) {
				t.Errorf("closed with %v", err)
			}
		}
	})
}

func TestPostsAreNeverLostAndInOrder(t *testing.T) {
	const posters, posts = 8, 2000
	each(t, func(t *testing.T, k kind) {
		opened := make(chan *fake, 1)
		s := serve(t, k, nil, func(f *fake) { opened <- f })
		handshake(t, s.dial(t))
		f := want(t, "connection", opened)
		var next [posters]int // touched by the loop alone
		var all sync.WaitGroup
		for p := range posters {
			all.Go(func() {
				for i := range posts {
					must(t, f.conn.Post(func(*Turn) {
						if next[p] != i {
							t.Errorf("post %d of %d comes when %d is next", i, p, next[p])
						}
						next[p]++
					}))
				}
			})
		}
		all.Wait()
		done := make(chan [posters]int, 1)
		must(t, f.conn.Post(func(*Turn) { done <- next }))
		for p, n := range want(t, "last post", done) {
			if n != posts {
				t.Errorf("%d of poster %d were called", n, p)
			}
		}
		f.conn.Close(nil)
		_ = want(t, "Closed", f.closed)
		if err := f.conn.Post(func(*Turn) {}); !errors.Is(err, ErrClosed) {
			t.Errorf("post after the end: %v", err)
		}
	})
}

// exchange writes sent in random pieces and wants it all back.
func exchange(t testing.TB, nc net.Conn, seed uint64, sent []byte) {
	t.Helper()
	sizes := rand.New(rand.NewPCG(seed, 0))
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		for b := sent; len(b) > 0; {
			n := min(len(b), 1+sizes.IntN(1<<sizes.IntN(18)))
			if _, err := nc.Write(b[:n]); err != nil {
				t.Error(err)
				return
			}
			b = b[n:]
		}
	})
	got := make([]byte, len(sent))
	if n, err := io.ReadFull(nc, got); err != nil {
		t.Errorf("after %d of %d bytes: %v", n, len(sent), err)
	} else if !bytes.Equal(got, sent) {
		t.Error("what came back is not what was sent")
	}
}

func randomBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = src.Read(b) // never fails
	return b
}

// A reader may return nothing and no error, as a pipe does that nothing is written to.
func TestNothingReadIsNotTheEnd(t *testing.T) {
	g, err := NewGroup(Config{Goroutines: true})
	must(t, err)
	var running sync.WaitGroup
	running.Go(func() { must(t, g.Run(t.Context())) })
	t.Cleanup(running.Wait)
	here, there := net.Pipe()
	must(t, g.Add(here, func(_ *Turn, c *Conn) Handler {
		f := &fake{conn: c, closed: make(chan error, 1)}
		echo(f)
		return f
	}))
	must(t, there.SetDeadline(time.Now().Add(patience)))
	for _, text := range []string{"", "a", "", "", "b"} {
		_, err := there.Write([]byte(text))
		must(t, err)
		got := make([]byte, len(text))
		if _, err := io.ReadFull(there, got); err != nil || string(got) != text {
			t.Fatalf("%q comes back as %q, %v", text, got, err)
		}
	}
	must(t, there.Close())
}

func TestBoundsMayChangeWhileConnectionsAreThere(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		opened := make(chan *Conn, 1)
		s := serve(t, k, func(cfg *Config) { cfg.QueueLimit, cfg.MaxUnread = 1<<20, 70_000 }, func(f *fake) { opened <- f.conn })
		handshake(t, s.dial(t)) // and reads nothing more
		c := want(t, "connection", opened)
		fill := func() (n int) {
			for frame := make([]byte, 1000); c.Append(nil, frame) == nil; n++ {
				if n%100 == 0 {
					c.Flush()
				}
				if n > 1<<20 {
					t.Fatal("the queue is never full")
				}
			}
			return n
		}
		fill()
		bounds := Bounds{MaxUnread: 1000, MaxHeld: 1 << 20, MaxQueued: 1 << 30, QueueLimit: 2 << 20}
		s.group.SetBounds(bounds)
		if n, queued := fill(), c.Queued(); n < 1000 || queued > 2<<20 { // the socket may take some meanwhile
			t.Errorf("with another MiB it takes %d KB more, and keeps %d", n, queued)
		}
		bounds.QueueLimit = 10
		s.group.SetBounds(bounds)
		if n, queued := fill(), c.Queued(); n != 0 || queued < 3<<19 { // likewise
			t.Errorf("with less it takes %d KB, and keeps %d", n, queued)
		}
		if got := s.group.bounds.unread.Load(); got != 70_000 {
			t.Errorf("%d bytes may be unread, where a frame of 70,000 may have begun", got)
		}
	})
}
