package poll

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"time"
)

// The peer sends all the time, which would destroy the last bytes with a reset
// if we just closed.
func TestCloseAfterFlushDeliversEverything(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		answer := randomBytes(1, 1<<20)
		closed := make(chan chan error, 1)
		s := serve(t, k, func(cfg *Config) { cfg.Linger = patience }, func(f *fake) {
			closed <- f.closed
			f.data = func(turn *Turn, b []byte) (n, need int) {
				must(t, turn.Batch.Append(f.conn, nil, answer))
				f.conn.CloseAfterFlush(patience)
				if err := turn.Batch.Append(f.conn, nil, answer); !errors.Is(err, ErrClosed) {
					t.Errorf("append after CloseAfterFlush: %v", err)
				}
				return 1, 0
			}
		})
		nc := s.dial(t)
		var writer sync.WaitGroup
		writer.Go(func() {
			for range 40 {
				if _, err := nc.Write(make([]byte, 50_000)); err != nil {
					t.Errorf("the peer cannot write: %v", err)
					return
				}
			}
		})
		got, err := io.ReadAll(nc)
		if err != nil {
			t.Errorf("after %d bytes: %v", len(got), err)
		} else if !bytes.Equal(got, answer) {
			t.Errorf("got %d of %d bytes", len(got), len(answer))
		}
		writer.Wait()
		must(t, nc.Close())
		if err := want(t, "Closed", want(t, "connection", closed)); err != nil {
			t.Errorf("closed with %v", err)
		}
	})
}

func TestCloseAfterFlushGivesUpOnAPeerThatDoesNotRead(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		closed := make(chan chan error, 1)
		s := serve(t, k, func(cfg *Config) { cfg.MaxAppend = 16 << 20 }, func(f *fake) {
			closed <- f.closed
			must(t, f.conn.Append(nil, make([]byte, 16<<20)))
			f.conn.CloseAfterFlush(300 * time.Millisecond)
		})
		nc := s.dial(t)
		handshake(t, nc)
		if err := want(t, "Closed", want(t, "connection", closed)); !errors.Is(err, ErrTimeout) {
			t.Errorf("closed with %v", err)
		}
	})
}

func TestLingeringEndsByItself(t *testing.T) { // L-FIN-07
	each(t, func(t *testing.T, k kind) {
		closed := make(chan chan error, 1)
		s := serve(t, k, nil, func(f *fake) {
			closed <- f.closed
			must(t, f.conn.Append([]byte("bye"), nil))
			f.conn.CloseAfterFlush(time.Hour)
		})
		nc := s.dial(t)
		got, err := io.ReadAll(nc)
		if err != nil || string(got) != "bye" {
			t.Errorf("got %q, %v", got, err)
		}
		if err := want(t, "Closed", want(t, "connection", closed)); err != nil {
			t.Errorf("closed with %v", err)
		}
	})
}

func TestNothingIsCalledAfterClose(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		closed := make(chan chan error, 1)
		why := errors.New("why")
		s := serve(t, k, nil, func(f *fake) {
			closed <- f.closed
			gone := false
			f.data = func(*Turn, []byte) (n, need int) {
				if gone {
					t.Error("Data after Close")
				}
				f.conn.WantDrained()
				f.conn.SetDeadline(time.Now())
				f.conn.PauseRead()
				f.conn.Close(why)
				f.conn.Close(errors.New("another"))
				f.conn.CloseAfterFlush(time.Hour)
				f.conn.ResumeRead()
				gone = true
				return 0, 0
			}
			f.timer = func(*Turn) { t.Error("Timer after Close") }
			f.drained = func(*Turn) { t.Error("Drained after Close") }
		})
		nc := s.dial(t)
		_, err := nc.Write([]byte("x"))
		must(t, err)
		if err := want(t, "Closed", want(t, "connection", closed)); !errors.Is(err, why) {
			t.Errorf("closed with %v", err)
		}
	})
}

// Everything at once from everywhere, for the race detector: one Closed for
// each connection, and nothing is left over.
func TestEverythingAtOnce(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		const clients = 60
		ends, opened := make(chan error, clients), make(chan *Conn, clients)
		s := serve(t, k, func(cfg *Config) { cfg.QueueLimit = 20_000 }, func(f *fake) {
			echo(f)
			answer := f.data
			f.data = func(turn *Turn, b []byte) (n, need int) {
				f.conn.SetDeadline(turn.Now.Add(150 * time.Millisecond))
				return answer(turn, b)
			}
			f.timer = func(*Turn) { f.conn.CloseAfterFlush(time.Second) }
			f.closed = make(chan error)
			go func() { ends <- <-f.closed }()
			opened <- f.conn
		})
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				nc := s.dial(t)
				all.Go(func() { _, _ = io.Copy(io.Discard, nc) }) // cut at any time
				for n := range 50 {
					if _, err := nc.Write(randomBytes(uint64(n), n*n)); err != nil {
						return
					}
				}
				if i%3 == 0 {
					_ = nc.Close()
				}
			})
			all.Go(func() {
				c := <-opened
				var batch Batch
				for n := range 200 {
					_ = batch.Append(c, []byte("head"), []byte("body")) // full or closed at any time
					batch.Flush()
					if n == 150 && i%4 == 0 {
						c.Close(nil)
					}
					_ = c.Post(func(*Turn) {})
				}
				c.CloseAfterFlush(time.Second)
			})
		}
		for range clients {
			_ = want(t, "Closed", ends)
		}
		all.Wait()
	})
}
