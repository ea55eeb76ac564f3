package rooms

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"limegrove/prepared"
	"limegrove/routing/stream"
)

// stuckSession's Flush waits, and with it whoever hands out what NATS brings.
type stuckSession struct {
	session
	free chan struct{} // closed when it is to wait no more
}

func (s *stuckSession) Flush() {
	<-s.free
	s.session.Flush()
}

func TestWhoEntersTakesNothingFromOthers(t *testing.T) {
	k := newKept(t, 1000)
	e, b := k.edge(Config{Shards: 1}), k.edge(Config{})
	ana := &stuckSession{session{w: k.world}, make(chan struct{})}
	seat, err := e.Enter(t.Context(), Entry{Address: k.at("/kept/1")}, ana)
	if err != nil {
		t.Fatal(err)
	}
	seat.Activate()
	b.post("/kept/1", "0")
	k.eventually("the first is about to be written", func() bool {
		ana.mu.Lock()
		defer ana.mu.Unlock()
		return len(ana.queued) == 1
	})
	b.post("/kept/1", "1") // its copy waits behind that
	rui := &session{w: k.world}
	e.in(rui, "/kept/1", false)
	close(ana.free)
	b.post("/kept/1", "2")
	ana.reads("while somebody enters", "0", "1", "2")
	rui.reads("who has entered", "2")
}

// hidden is streams whose end cannot be found for some tries.
type hidden struct {
	*stream.Streams
	tries atomic.Int32
}

func (h *hidden) RoomsState(ctx context.Context, p int) (stream.RoomsState, error) {
	if h.tries.Add(-1) >= 0 {
		return stream.RoomsState{}, fmt.Errorf("%w: no leader", stream.ErrUnavailable)
	}
	return h.Streams.RoomsState(ctx, p)
}

func TestWhatWasPublishedWhileTheBrokerWasAwayIsRead(t *testing.T) {
	k := newKept(t, 1000)
	streams := &hidden{Streams: k.streams}
	e, b := k.edge(Config{PublisherConfig: PublisherConfig{Streams: streams}}), k.edge(Config{})
	ana := &session{w: k.world}
	seat := e.in(ana, "/kept/1", false)
	if err := seat.hall.sub.Unsubscribe(); err != nil { // no copy comes
		t.Fatal(err)
	}
	b.post("/kept/1", "0")
	streams.tries.Store(2)
	if err := e.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	ana.reads("though the stream has no leader yet", "0")
}

func TestTheLastCopiesThatAreLostAreRead(t *testing.T) {
	k := newKept(t, 1000)
	e, b := k.edge(Config{Shards: 1, Backlog: 1}), k.edge(Config{})
	ana := &session{w: k.world}
	e.in(ana, "/kept/1", false)
	e.shards[0].mu.Lock()
	b.post("/kept/1", numbers(0, 20)...)
	err := e.nc.FlushTimeout(patience)
	e.shards[0].mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	ana.reads("nothing comes behind them", numbers(0, 20)...)
}

// small has room for short envelopes alone.
type small struct {
	session
	most atomic.Int32
}

func (s *small) Hear(seat *Seat, r *prepared.Run, from, to int) (n int, err error) {
	for ; from+n < to; n++ {
		if len(r.Envelope(from+n)) > int(s.most.Load()) {
			return n, errQueueFull
		}
		if _, err := s.session.Hear(seat, r, from+n, from+n+1); err != nil {
			return n, err
		}
	}
	return n, nil
}

func TestNothingComesBehindAGapThatIsNotTold(t *testing.T) {
	k := newKept(t, 10)
	e, b := k.edge(Config{}), k.edge(Config{})
	ana, rui := &small{session: session{w: k.world}}, &session{w: k.world}
	seat, err := e.Enter(t.Context(), Entry{Address: k.at("/kept/1")}, ana)
	if err != nil {
		t.Fatal(err)
	}
	seat.Activate()
	e.in(rui, "/kept/1", false)
	b.post("/kept/1", numbers(0, 30)...)
	rui.reads("who is fast", numbers(0, 30)...)
	gap := len(seat.hall.broken(seat.position))
	ana.most.Store(int32(gap - 1))
	seat.Drained()
	k.eventually("it is tried", func() bool {
		seat.hall.shard.mu.Lock()
		defer seat.hall.shard.mu.Unlock()
		return !seat.ready
	})
	if got := ana.all(); len(got) > 0 {
		t.Errorf("%q come", got)
	}
	ana.most.Store(1 << 20)
	seat.Drained()
	ana.reads("when there is room", append([]string{"gap"}, numbers(20, 30)...)...)
}

func TestWhoIsBehindIsReadForWhoeverElseBeginsAgain(t *testing.T) {
	s := &shard{}
	h := &hall{listening: listening{shard: s}, keeping: &keeping{last: 10_000}}
	seat := func(at uint64) *Seat {
		return &Seat{progress: &progress{position: at, behind: true, ready: true}}
	}
	greedy, patient, late := seat(0), seat(9000), seat(3000)
	h.seats = []*Seat{greedy, patient, late}
	seen := map[*Seat]int{}
	for range 100 {
		from, ok := h.catchFrom()
		if !ok {
			t.Fatal("nobody is behind")
		}
		through := from + 256
		for _, s := range h.seats {
			if s.position >= from && s.position <= through {
				s.position = through
				seen[s]++
			}
		}
		h.keeping.read = max(h.keeping.read, through)
		h.keeping.last += 100
		greedy.position = 0
	}
	if seen[patient] < 4 || seen[late] < 20 || seen[greedy] == 0 {
		t.Errorf("of 100 pages %d are for who is far, %d for who is not, %d for who begins again", seen[patient], seen[late], seen[greedy])
	}
}

func TestAPartitionThatDoesNotAnswerHoldsUpNoOther(t *testing.T) {
	k := newKept(t, 1000)
	var stuck []string
	var free string
	for i := 0; len(stuck) < 3*catchersAtOnce || free == ""; i++ {
		text := fmt.Sprintf("/kept/%d", i)
		if k.streams.Partition("t.org\n"+text) == 0 {
			stuck = append(stuck, text)
		} else {
			free = text
		}
	}
	e := k.edge(Config{PublisherConfig: PublisherConfig{Streams: &dead{k.streams}}})
	for _, text := range stuck {
		e.since(&session{w: k.world}, text, 0, false)
	}
	ana := &session{w: k.world}
	e.post(free, "a")
	e.since(ana, free, 0, false)
	ana.reads("of the other partition", "a")
}

// dead is streams of which partition 0 does not let pages be read.
type dead struct{ *stream.Streams }

func (d *dead) ReadRoom(ctx context.Context, p int, subject string, from uint64, messages, bytes int) (stream.Page, error) {
	if p == 0 && messages > 2 {
		<-ctx.Done()
		return stream.Page{}, fmt.Errorf("%w: no answer", stream.ErrUnavailable)
	}
	return d.Streams.ReadRoom(ctx, p, subject, from, messages, bytes)
}
