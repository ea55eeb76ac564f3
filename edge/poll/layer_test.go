package poll

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// secured is a fake that speaks in clear until somebody says "tls\n", answers "ok\n", and
// echoes what comes inside TLS.
func secured(f *fake) {
	covered := false
	f.data = func(t *Turn, b []byte) (n, need int) {
		if covered {
			if err := t.Batch.Append(f.conn, nil, b); err != nil {
				f.conn.Close(err)
			}
			return len(b), 0
		}
		n = bytes.IndexByte(b, '\n') + 1
		if n > 0 {
			f.conn.PauseRead()
			if err := t.Batch.Append(f.conn, nil, []byte("ok\n")); err != nil {
				f.conn.Close(err)
			}
			f.conn.WantDrained()
		}
		return n, 0
	}
	f.drained = func(*Turn) {
		if err := f.conn.Cover(func(nc net.Conn) net.Conn { return tls.Server(nc, tlsConfig()) }); err != nil {
			f.conn.Close(err)
			return
		}
		covered = true
		f.conn.ResumeRead()
	}
}

// plain are the kinds that have no TLS yet.
func plain(t *testing.T, test func(t *testing.T, k kind)) {
	for _, k := range kinds() {
		if k.name != "tls" {
			t.Run(k.name, func(t *testing.T) { test(t, k) })
		}
	}
}

// oneWrite holds what is written until the end of a ClientHello, so that the plain text
// before it comes with it.
type oneWrite struct {
	net.Conn
	before []byte
	skip   []byte // to be read in clear first
}

func (c *oneWrite) Write(b []byte) (int, error) {
	if c.before == nil {
		return c.Conn.Write(b)
	}
	all := append(c.before, b...)
	c.before = nil
	if _, err := c.Conn.Write(all); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *oneWrite) Read(b []byte) (int, error) {
	if len(c.skip) > 0 {
		got := make([]byte, len(c.skip))
		if _, err := io.ReadFull(c.Conn, got); err != nil {
			return 0, err
		}
		if !bytes.Equal(got, c.skip) {
			return 0, errors.New("in clear comes " + string(got))
		}
		c.skip = nil
	}
	return c.Conn.Read(b)
}

func TestTLSCoversAConnectionThatHasBegun(t *testing.T) {
	plain(t, func(t *testing.T, k kind) {
		s := serve(t, k, nil, secured)
		// The ClientHello comes when the answer was read, with the question, or so early that
		// the question's end is in the middle of it for whoever reads both.
		for i, early := range []bool{false, true, false, true} {
			version := []uint16{tls.VersionTLS13, tls.VersionTLS12}[i/2]
			nc := s.dial(t)
			over := &oneWrite{Conn: nc, skip: []byte("ok\n")}
			if early {
				over.before = []byte("tls\n")
			} else if _, err := nc.Write([]byte("tls\n")); err != nil {
				t.Fatal(err)
			}
			// A ClientHello of TLS 1.2 alone is short: it fits into one read with the question.
			c := tls.Client(over, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
			for _, text := range []string{"first", string(make([]byte, 100<<10)), "last"} {
				go func() { _, _ = c.Write([]byte(text)) }()
				got := make([]byte, len(text))
				if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
					t.Fatalf("early %v: %d bytes come back as others: %v", early, len(text), err)
				}
			}
			must(t, c.Close())
		}
	})
}

// Whoever sends no TLS where it was agreed on is closed, and costs nobody else anything.
func TestWhoDoesNotSpeakTheLayerIsClosed(t *testing.T) {
	plain(t, func(t *testing.T, k kind) {
		closed := make(chan error, 1)
		s := serve(t, k, nil, func(f *fake) { secured(f); f.closed = closed })
		nc := s.dial(t)
		_, err := nc.Write([]byte("tls\nand no ClientHello"))
		must(t, err)
		if err := want(t, "closed", closed); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("the cause is %v", err)
		}
	})
}

func TestCoverWantsQuiet(t *testing.T) {
	plain(t, func(t *testing.T, k kind) {
		errs := make(chan error, 2)
		s := serve(t, k, nil, func(f *fake) {
			f.data = func(turn *Turn, b []byte) (int, int) {
				nothing := func(nc net.Conn) net.Conn { return nc }
				errs <- f.conn.Cover(nothing) // it reads
				f.conn.PauseRead()
				must(t, turn.Batch.Append(f.conn, nil, b))
				errs <- f.conn.Cover(nothing) // it has something to write
				return len(b), 0
			}
		})
		nc := s.dial(t)
		_, err := nc.Write([]byte("x"))
		must(t, err)
		for range 2 {
			if err := want(t, "an answer", errs); !errors.Is(err, errQueued) {
				t.Errorf("%v", err)
			}
		}
	})
}

// The system of a peer that does not read acknowledges what fits into its buffers, and no
// more; when it reads, everything.
func TestAcknowledgedIsWhatThePeersSystemHas(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	each(t, func(t *testing.T, k kind) {
		ready := make(chan *Conn, 1)
		s := serve(t, k, nil, func(f *fake) { ready <- f.conn })
		nc := s.dial(t)
		handshake(t, nc)
		c := want(t, "a connection", ready)
		type report struct {
			acknowledged, outstanding uint64
			ok                        bool
		}
		ask := func() report {
			answers := make(chan report, 1)
			must(t, c.Post(func(*Turn) {
				var r report
				r.acknowledged, r.outstanding, r.ok = c.Acknowledged()
				answers <- r
			}))
			return want(t, "an answer", answers)
		}
		before := ask()
		const size = 24 << 20 // more than two systems buffer
		c.SetQueueLimit(2 * size)
		for range size >> 19 {
			must(t, c.Append(nil, make([]byte, 1<<19)))
		}
		c.Flush()
		stuck := func() bool { r := ask(); return r.ok && r.outstanding > 0 && c.Queued() > 0 }
		for end := time.Now().Add(patience); !stuck(); {
			if time.Now().After(end) {
				t.Fatalf("nothing is outstanding: %+v", ask())
			}
		}
		if r := ask(); r.acknowledged-before.acknowledged >= size {
			t.Errorf("all is acknowledged though nobody reads: %+v", r)
		}
		must(t, nc.SetDeadline(time.Now().Add(patience)))
		_, err := io.CopyN(io.Discard, nc, size)
		must(t, err)
		for end := time.Now().Add(patience); ; {
			r := ask()
			if r.outstanding == 0 && r.acknowledged-before.acknowledged >= size {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("who has read everything has not acknowledged it: %+v", r)
			}
		}
	})
}

// The end that came before the layer is the layer's.
func TestEndBehindWhatTheLayerIsAgreedOnBy(t *testing.T) {
	plain(t, func(t *testing.T, k kind) {
		for _, hello := range []string{"", "\x16\x03\x01"} {
			closed := make(chan error, 1)
			s := serve(t, k, nil, func(f *fake) {
				secured(f)
				f.closed = closed
				cover := f.drained
				f.drained = func(turn *Turn) {
					for s := f.conn.stream; s != nil && !s.hasEnd(); {
						runtime.Gosched()
					}
					cover(turn)
				}
			})
			nc := s.dial(t)
			_, err := nc.Write([]byte("tls\n" + hello))
			must(t, err)
			must(t, nc.(*net.TCPConn).CloseWrite())
			if err := want(t, "closed", closed); err == nil {
				t.Errorf("%q: closed without a cause", hello)
			}
		}
	})
}

func (s *stream) hasEnd() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil
}
