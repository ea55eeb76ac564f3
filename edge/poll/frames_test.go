package poll

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// numbered returns frames of 4 to size+4 bytes that bear their numbers, and all of them in a row.
func numbered(draw *rand.Rand, n, size int) (f *Frames, all []byte) {
	f = NewFrames(0, n)
	for i := range n {
		head := binary.BigEndian.AppendUint32(nil, uint32(i))
		body := bytes.Repeat([]byte{byte(i)}, draw.IntN(size+1))
		f.Add(head, body)
		all = append(append(all, head...), body...)
	}
	return f, all
}

// Several connections are given the same frames, by several goroutines, and frames of their own in between.
func TestFramesForManyArriveWholeAndInOrder(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		const peers, frames, own = 4, 400, "of its own"
		opened := make(chan *Conn, 1)
		s := serve(t, k, func(cfg *Config) { cfg.QueueLimit = 1 << 20 }, func(f *fake) { opened <- f.conn })
		f, all := numbered(rand.New(rand.NewPCG(1, 2)), frames, 2000)
		var ends [peers]chan struct{}
		for i := range peers {
			nc := s.dial(t)
			handshake(t, nc)
			c := want(t, "connection", opened)
			ends[i] = make(chan struct{})
			go func() {
				defer close(ends[i])
				got := make([]byte, len(all)+len(own))
				if _, err := io.ReadFull(nc, got); err != nil || !bytes.Equal(bytes.Replace(got, []byte(own), nil, 1), all) {
					t.Errorf("what comes is not what was given: %v", err)
				}
			}()
			go func() {
				for from := 0; from < frames; {
					to := min(frames, from+1+from%7)
					n, err := c.AppendFrames(f, from, to)
					if n != to-from || err != nil {
						t.Errorf("%d of %d frames are taken: %v", n, to-from, err)
						return
					}
					if from = to; to == frames { // the last ones wait
						must(t, c.Append([]byte(own), nil))
					}
					if from%3 != 0 {
						c.Flush()
					}
				}
				c.Flush()
			}()
		}
		for _, end := range ends {
			want(t, "all frames", end)
		}
		again, err := f.b, error(nil)
		if !bytes.Equal(again, all) {
			t.Errorf("the frames have changed: %v", err)
		}
	})
}

// What is taken, and why the rest is not, is the same as if each frame was appended for itself.
func TestFramesAreBoundedAsEachIs(t *testing.T) {
	opened := make(chan *Conn, 1)
	s := serve(t, kinds()[0], func(cfg *Config) { cfg.MaxAppend = 900 }, func(f *fake) { opened <- f.conn })
	open := func(limit int) *Conn {
		s.dial(t)
		c := want(t, "connection", opened)
		c.SetQueueLimit(limit)
		c.mu.Lock()
		c.blocked = true // nothing leaves
		c.mu.Unlock()
		return c
	}
	draw := rand.New(rand.NewPCG(3, 4))
	refused := map[error]int{}
	for range 200 {
		f, _ := numbered(draw, 1+draw.IntN(8), 1000)
		limit := draw.IntN(4000)
		together, apart := open(limit), open(limit)
		for round := range 3 {
			for from := 0; from < len(f.ends); from++ {
				n, err := together.AppendFrames(f, from, len(f.ends))
				for ; n > 0; n-- {
					must(t, apart.Append(f.b[f.begin(from):f.ends[from]], nil))
					from++
				}
				if err == nil {
					break
				}
				refused[err]++
				if each := apart.Append(f.b[f.begin(from):f.ends[from]], nil); !errors.Is(err, each) {
					t.Fatalf("round %d, frame %d, limit %d: %v, and for itself %v", round, from, limit, err, each)
				}
			}
			if a, b := together.Queued(), apart.Queued(); a != b {
				t.Fatalf("%d bytes wait together, and %d of those one by one", a, b)
			}
		}
		together.Close(nil)
		apart.Close(nil)
	}
	if refused[ErrFull] == 0 || refused[ErrTooLong] == 0 {
		t.Errorf("the draw refuses too little: %v", refused)
	}
}

// A peer that does not read holds bytes of its own, and never what others were given.
func TestWhoWaitsHoldsNothingOfOthers(t *testing.T) {
	opened := make(chan *Conn, 1)
	s := serve(t, kinds()[0], func(cfg *Config) { cfg.QueueLimit = 64 << 10 }, func(f *fake) { opened <- f.conn })
	nc := s.dial(t)
	c := want(t, "connection", opened)
	var given []byte
	draw := rand.New(rand.NewPCG(5, 6))
	for full := false; !full; {
		f, all := numbered(draw, 20, 3000)
		n, err := c.AppendFrames(f, 0, 20)
		if n > 0 {
			given = append(given, all[:f.ends[n-1]]...)
		}
		c.Flush()
		full = errors.Is(err, ErrFull)
		c.mu.Lock()
		for b := c.queue.head; b != nil; b = b.next {
			if b.shared {
				t.Error("what waits is not copied")
			}
		}
		c.mu.Unlock()
	}
	got := make([]byte, len(given))
	if _, err := io.ReadFull(nc, got); err != nil || !bytes.Equal(got, given) {
		t.Errorf("what comes is not what was given: %v", err)
	}
}
