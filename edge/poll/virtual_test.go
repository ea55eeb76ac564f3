package poll

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// inMemory runs test with a group and one connection of it inside a bubble
// where time is virtual.
func inMemory(t *testing.T, test func(t *testing.T, f *fake, peer net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		g, err := NewGroup(Config{Goroutines: true})
		must(t, err)
		ran := make(chan error, 1)
		go func() { ran <- g.Run(context.Background()) }()
		here, there := net.Pipe()
		opened := make(chan *fake, 1)
		must(t, g.Add(here, func(_ *Turn, c *Conn) Handler {
			f := &fake{conn: c, closed: make(chan error, 1)}
			opened <- f
			return f
		}))
		test(t, <-opened, there)
		_ = there.Close()
		g.Close()
		must(t, <-ran)
	})
}

// onLoop calls fn on the loop of f and waits for it.
func (f *fake) onLoop(fn func(*Turn)) {
	done := make(chan struct{})
	if f.conn.Post(func(t *Turn) { fn(t); close(done) }) == nil {
		<-done
	}
}

func TestDeadlinesAreKeptToATick(t *testing.T) {
	for _, d := range []time.Duration{time.Millisecond, 99 * time.Millisecond, time.Second, time.Minute, 3 * time.Hour} {
		inMemory(t, func(t *testing.T, f *fake, _ net.Conn) {
			fired := make(chan time.Time, 1)
			f.timer = func(turn *Turn) { fired <- turn.Now }
			at := time.Now().Add(d)
			f.onLoop(func(*Turn) { f.conn.SetDeadline(at) })
			if late := (<-fired).Sub(at); late < 0 || late > tick {
				t.Errorf("a deadline in %v is kept %v late", d, late)
			}
			time.Sleep(24 * time.Hour)
			if len(fired) != 0 {
				t.Error("it is kept twice")
			}
		})
	}
}

func TestDeadlineCanBeMovedAndRemoved(t *testing.T) {
	inMemory(t, func(t *testing.T, f *fake, _ net.Conn) {
		fired := make(chan time.Time, 1)
		f.timer = func(turn *Turn) { fired <- turn.Now }
		start := time.Now()
		for i := range 600 { // an idle time that begins again and again
			f.onLoop(func(turn *Turn) { f.conn.SetDeadline(turn.Now.Add(time.Minute)) })
			time.Sleep(time.Second)
			if len(fired) != 0 {
				t.Fatalf("fired after %d s", i)
			}
		}
		f.onLoop(func(*Turn) { f.conn.SetDeadline(start.Add(605 * time.Second)) })
		if d := (<-fired).Sub(start); d < 605*time.Second || d > 605*time.Second+tick {
			t.Errorf("moved to sooner, it fires after %v", d)
		}
		f.onLoop(func(turn *Turn) {
			f.conn.SetDeadline(turn.Now.Add(time.Second))
			f.conn.SetDeadline(time.Time{})
		})
		time.Sleep(time.Hour)
		if len(fired) != 0 {
			t.Error("fired although removed")
		}
	})
}

func TestIdleLoopSleeps(t *testing.T) {
	inMemory(t, func(t *testing.T, f *fake, _ net.Conn) {
		f.onLoop(func(turn *Turn) { f.conn.SetDeadline(turn.Now.Add(time.Hour)) })
		before := f.conn.loop.stats.turns.Load()
		time.Sleep(59 * time.Minute)
		if n := f.conn.loop.stats.turns.Load() - before; n > 120 {
			t.Errorf("%d turns in an hour for one deadline", n)
		}
	})
}

func TestAppendsOfOneTurnLeaveTogether(t *testing.T) {
	inMemory(t, func(t *testing.T, f *fake, peer net.Conn) {
		f.onLoop(func(turn *Turn) {
			for range 20 {
				must(t, turn.Batch.Append(f.conn, []byte("ab"), []byte("cd")))
			}
		})
		b := make([]byte, 1000)
		n, err := peer.Read(b)
		if want := bytes.Repeat([]byte("abcd"), 20); err != nil || !bytes.Equal(b[:n], want) {
			t.Errorf("the first read gets %q, %v", b[:n], err)
		}
		synctest.Wait()
		if n := f.conn.Queued(); n != 0 {
			t.Errorf("%d bytes are queued", n)
		}
	})
}

// A pipe cannot be closed in halves; what was appended arrives all the same.
func TestCloseAfterFlushWithoutHalves(t *testing.T) {
	inMemory(t, func(t *testing.T, f *fake, peer net.Conn) {
		must(t, f.conn.Append([]byte("last "), []byte("words")))
		f.conn.CloseAfterFlush(time.Second)
		if got, err := io.ReadAll(peer); err != nil || string(got) != "last words" {
			t.Errorf("got %q, %v", got, err)
		}
		if err := <-f.closed; err != nil {
			t.Errorf("closed with %v", err)
		}
	})
}

func TestCloseWithHasRoomInAFullQueue(t *testing.T) {
	inMemory(t, func(t *testing.T, f *fake, peer net.Conn) {
		f.conn.SetQueueLimit(10)
		must(t, f.conn.Append(nil, []byte("0123456789")))
		if err := f.conn.Append(nil, []byte("x")); !errors.Is(err, ErrFull) {
			t.Errorf("the queue is not full: %v", err)
		}
		f.conn.CloseWith([]byte(" last words"), time.Second)
		f.conn.CloseWith([]byte(" and more"), time.Second)
		if err := f.conn.Append(nil, []byte("x")); !errors.Is(err, ErrClosed) {
			t.Errorf("append behind the last words: %v", err)
		}
		if got, err := io.ReadAll(peer); err != nil || string(got) != "0123456789 last words" {
			t.Errorf("got %q, %v", got, err)
		}
		if err := <-f.closed; err != nil {
			t.Errorf("closed with %v", err)
		}
	})
}

func TestWantDrainedIsAnsweredAtOnceWhenEmpty(t *testing.T) {
	inMemory(t, func(t *testing.T, f *fake, peer net.Conn) {
		drained := make(chan int, 2)
		f.drained = func(*Turn) { drained <- f.conn.Queued() }
		f.conn.WantDrained()
		<-drained
		must(t, f.conn.Append(nil, []byte("x")))
		f.conn.WantDrained()
		f.conn.Flush()
		synctest.Wait()
		if len(drained) != 0 {
			t.Error("drained before the peer has read")
		}
		_, err := peer.Read(make([]byte, 1))
		must(t, err)
		<-drained
	})
}

// Who has something to say while very many deadlines pass does not wait for all of them, and what becomes of these
// meanwhile counts.
func TestManyDeadlinesAtOnceLeaveRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := NewGroup(Config{Goroutines: true, Loops: 1})
		must(t, err)
		ran := make(chan error, 1)
		go func() { ran <- g.Run(context.Background()) }()
		const many = 20 * timersOfTurn
		var conns []*Conn
		var called, before atomic.Int64
		at := time.Now().Add(time.Minute)
		for range many {
			here, there := net.Pipe()
			defer there.Close()
			must(t, g.Add(here, func(_ *Turn, c *Conn) Handler {
				conns = append(conns, c)
				c.SetDeadline(at)
				return &fake{conn: c, closed: make(chan error, 1), timer: func(turn *Turn) {
					if called.Add(1) > 1 {
						return
					}
					must(t, g.Post(0, func(*Turn) { before.Store(called.Load()) }))
					for i, other := range conns {
						switch {
						case other == c || i%3 == 0:
						case i%3 == 1:
							other.Close(io.EOF)
						default:
							other.SetDeadline(turn.Now.Add(time.Hour))
						}
					}
				}}
			}))
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := before.Load(); n == 0 || n > timersOfTurn {
			t.Errorf("%d were called before the other", n)
		}
		soon := called.Load()
		if soon < many/3 || soon > many/3+1 {
			t.Errorf("%d of %d were called in time", soon, many)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if later := called.Load() - soon; later < many/3-1 || later > many/3 {
			t.Errorf("%d of %d were called later", later, many)
		}
		g.Close()
		must(t, <-ran)
	})
}

// What is posted for a moment later is called then, in its order, and the loop does something else meanwhile.
func TestPostSoonIsCalledInAMoment(t *testing.T) {
	inMemory(t, func(t *testing.T, f *fake, _ net.Conn) {
		const many = 3 * maxKept
		var began time.Time
		called := make(chan int, many)
		f.onLoop(func(turn *Turn) {
			began = turn.Now
			for i := range many {
				f.conn.PostSoon(func(*Turn) { called <- i })
			}
		})
		f.onLoop(func(*Turn) {
			if len(called) != 0 {
				t.Error("it is called at once")
			}
		})
		for want := range many {
			if got := <-called; got != want {
				t.Fatalf("%d is called when %d is to be", got, want)
			}
		}
		if took := time.Since(began); took < breath || took > 2*breath {
			t.Errorf("it is called after %v", took)
		}
		var again func(n int)
		again = func(n int) {
			if n == 0 {
				called <- 0
				return
			}
			f.conn.PostSoon(func(*Turn) { again(n - 1) })
		}
		began = time.Now()
		f.onLoop(func(*Turn) { again(10); f.conn.PostSoon(func(*Turn) {}) })
		<-called
		if took := time.Since(began); took != 10*breath {
			t.Errorf("ten in a row take %v", took)
		}
		before := f.conn.loop.stats.turns.Load()
		time.Sleep(time.Minute)
		if n := f.conn.loop.stats.turns.Load() - before; n > 2 {
			t.Errorf("%d turns for nothing", n)
		}
	})
}
