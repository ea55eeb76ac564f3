package routing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// unanswered are streams of which one partition does not answer when it is looked at
// or read, until it is told to.
type unanswered struct {
	*stream.Streams
	partition int

	mu    sync.Mutex
	looks chan struct{} // closed when the ends of its streams are told; nil: at once
	reads chan struct{} // likewise its pages
	err   error         // what it answers instead of waiting
	asked int           // that did not get an answer
}

// silence has the partition answer no more, and returns what makes it answer again.
func (s *unanswered) silence(looks, reads bool, err error) (again func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	silent := make(chan struct{})
	s.err = err
	if looks {
		s.looks = silent
	}
	if reads {
		s.reads = silent
	}
	return sync.OnceFunc(func() { close(silent) })
}

func (s *unanswered) wait(ctx context.Context, p int, silent *chan struct{}) error {
	s.mu.Lock()
	until, err := *silent, s.err
	s.mu.Unlock()
	if p != s.partition || until == nil {
		return nil
	}
	select {
	case <-until:
		return nil
	default:
	}
	s.mu.Lock()
	s.asked++
	s.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-until:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Asked is how many requests have not got an answer so far.
func (s *unanswered) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *unanswered) ReadLog(ctx context.Context, p int, subject string, from uint64, limit, maxBytes int) (stream.Page, error) {
	if err := s.wait(ctx, p, &s.reads); err != nil {
		return stream.Page{}, err
	}
	return s.Streams.ReadLog(ctx, p, subject, from, limit, maxBytes)
}

func (s *unanswered) ReadInbox(ctx context.Context, p int, subject string, from uint64, limit, maxBytes int) (stream.Page, error) {
	if err := s.wait(ctx, p, &s.reads); err != nil {
		return stream.Page{}, err
	}
	return s.Streams.ReadInbox(ctx, p, subject, from, limit, maxBytes)
}

func (s *unanswered) LastLog(ctx context.Context, p int, subjects []string) (map[string]uint64, uint64, error) {
	if err := s.wait(ctx, p, &s.looks); err != nil {
		return nil, 0, err
	}
	return s.Streams.LastLog(ctx, p, subjects)
}

// silentWorld is a stored world with one edge, for whose partition 0 an operator has
// reason to worry.
type silentWorld struct {
	*storedWorld
	*unanswered
	e    *testEdge
	logs *test.Hook
}

func newSilentWorld(t *testing.T) *silentWorld {
	w := &silentWorld{storedWorld: newStoredWorld(t)}
	w.unanswered = &unanswered{Streams: w.storedWorld.streams}
	var logger *logrus.Logger
	logger, w.logs = test.NewNullLogger()
	// Nothing is given up: who waits for the silent partition waits for the whole test.
	w.e = w.world.edge("silent", Config{Streams: w.unanswered, Directory: w.known, Timeout: time.Hour, Logger: logger})
	return w
}

// people are n identities of a partition.
func people(t *testing.T, partition, of, n int) (all []string) {
	t.Helper()
	for i := 0; len(all) < n; i++ {
		name := fmt.Sprintf("p%d@t.org", i)
		id, err := lime.ParseIdentity(name)
		if err != nil {
			t.Fatal(err)
		}
		key, err := subject.MakeKey(id)
		if err != nil {
			t.Fatal(err)
		}
		if key.Partition(of) == partition {
			all = append(all, name)
		}
	}
	return all
}

// leave has messages waiting for people.
func (w *silentWorld) leave(n int, people ...string) (texts []string) {
	w.Helper()
	ana := w.storedWorld.edge("sender").Login("ana@t.org/1", available)
	for i := range n {
		texts = append(texts, fmt.Sprint("x", i))
		for _, to := range people {
			ana.SayID(fmt.Sprint("m", i), to, texts[i])
		}
	}
	eventually(w, "all are accepted", func() bool { return len(ana.Got()) == n*len(people) })
	return texts
}

func TestASilentPartitionHoldsUpNoOtherSessionsBeginning(t *testing.T) {
	w := newSilentWorld(t)
	rui, lia := people(t, 0, 2, 1)[0], people(t, 1, 2, 1)[0]
	texts := w.leave(3, rui, lia)
	again := w.silence(true, true, nil)
	waits := w.e.Login(rui+"/1", available)
	eventually(t, "the partition is asked", func() bool { return w.Asked() > 0 })
	w.e.Login(lia+"/1", available).Want("who is of another one begins at once", texts...)
	waits.WantNothing("who is of the silent one waits")
	again()
	waits.Want("and has lost nothing", texts...)
	w.noneLeft(waits)
}

func TestASilentPartitionHoldsUpNoOtherSessionsReading(t *testing.T) {
	w := newSilentWorld(t)
	crowd, lia := people(t, 0, 2, 2*readWorkers), people(t, 1, 2, 1)[0]
	texts := w.leave(3, append(slices.Clone(crowd), lia)...)
	again := w.silence(false, true, nil)
	var wait []*client
	for _, who := range crowd {
		wait = append(wait, w.e.Login(who+"/1", available))
	}
	eventually(t, "as many workers wait as may", func() bool { return w.Asked() == readWorkers/2 })
	w.e.Login(lia+"/1", available).Want("who is of another one is read for", texts...)
	if n := w.Asked(); n != readWorkers/2 {
		t.Errorf("%d wait for the silent one, want %d", n, readWorkers/2)
	}
	again()
	for _, c := range wait {
		c.Want("who is of the silent one has lost nothing", texts...)
	}
}

func TestAPartitionInTroubleIsSeenAndTriedAgain(t *testing.T) {
	w := newSilentWorld(t)
	crowd, lia := people(t, 0, 2, 10), people(t, 1, 2, 1)[0]
	texts := w.leave(3, append(slices.Clone(crowd), lia)...)
	silent := func() float64 { return w.e.count("limegrove_routing_partition_silent", "0") }
	again := w.silence(true, true, stream.ErrUnavailable)
	var wait []*client
	for _, who := range crowd {
		wait = append(wait, w.e.Login(who+"/1", available))
	}
	eventually(t, "it is tried again", func() bool { return w.Asked() >= 3 })
	if silent() != 1 {
		t.Error("no metric tells which partition is silent")
	}
	w.e.Login(lia+"/1", available).Want("who is of another one begins at once", texts...)
	again()
	for _, c := range wait {
		c.Want("in order, and once", texts...)
	}
	if silent() != 0 {
		t.Error("it still counts as silent")
	}
	var told []string
	for _, line := range w.logs.AllEntries() {
		told = append(told, line.Message)
	}
	want := []string{
		"stored messages of a partition cannot be read; its sessions wait",
		"stored messages of a partition can be read again",
	}
	if !slices.Equal(told, want) {
		t.Errorf("the log tells:\n%s", strings.Join(told, "\n"))
	}
}

func TestAPartitionIsNotSilentForThoseWhoHaveLeft(t *testing.T) {
	w := newSilentWorld(t)
	crowd := people(t, 0, 2, 10)
	texts := w.leave(3, crowd...)
	silent := func() float64 { return w.e.count("limegrove_routing_partition_silent", "0") }
	again := w.silence(true, true, stream.ErrUnavailable)
	var wait []*client
	for _, who := range crowd {
		wait = append(wait, w.e.Login(who+"/1", available))
	}
	eventually(t, "it is told to be silent", func() bool { return silent() == 1 })
	for _, c := range wait {
		c.Leave()
	}
	eventually(t, "nobody waits for it", func() bool { return silent() == 0 })
	again()
	w.e.Login(crowd[0]+"/2", available).Want("who comes then is not held up", texts...)
}
