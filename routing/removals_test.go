package routing

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// inboxes take a millisecond for each removal, but for those that do not answer.
type inboxes struct {
	Streams
	partitions int

	mu        sync.Mutex
	silent    map[int]chan struct{} // by partition; closed when it answers again
	underWay  map[int]int           // by partition
	mostAsked map[int]int           // the most that were under way
	removed   map[int]int
}

func (s *inboxes) Partitions() int { return s.partitions }

func (s *inboxes) Delete(ctx context.Context, p int, _ uint64) error {
	s.mu.Lock()
	s.underWay[p]++
	s.mostAsked[p] = max(s.mostAsked[p], s.underWay[p])
	again := s.silent[p]
	s.mu.Unlock()
	if again == nil {
		time.Sleep(time.Millisecond)
	} else {
		select {
		case <-again:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay[p]--
	if ctx.Err() == nil {
		s.removed[p]++
	}
	return ctx.Err()
}

// silence has a partition answer no more, and returns what makes it answer again.
func (s *inboxes) silence(p int) (again func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	silent := make(chan struct{})
	s.silent[p] = silent
	return func() {
		close(silent)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.silent, p)
	}
}

// asked is the most removals of a partition that were under way since it was last asked.
func (s *inboxes) asked(p int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.mostAsked[p]
	s.mostAsked[p] = s.underWay[p]
	return n
}

// removedFrom is how many messages were removed, by partition.
func (s *inboxes) removedFrom() map[int]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.removed)
}

// removalWorld are the removals of an edge.
type removalWorld struct {
	*testing.T
	*removals
	*inboxes
	counted *prometheus.Registry
}

func newRemovalWorld(t *testing.T, partitions int) *removalWorld {
	w := &removalWorld{T: t, counted: prometheus.NewRegistry()}
	w.inboxes = &inboxes{
		partitions: partitions, silent: map[int]chan struct{}{},
		underWay: map[int]int{}, mostAsked: map[int]int{}, removed: map[int]int{},
	}
	h := &Hubs{cfg: Config{Streams: w.inboxes, Timeout: 2 * time.Second}, metrics: newMetrics(w.counted)}
	h.complaints.Logger = testLogger(t)
	w.removals = newRemovals(h)
	return w
}

// begin runs them. What it returns ends that and tells how long it has taken.
func (w *removalWorld) begin() (end func() time.Duration) {
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.run(ctx)
	}()
	return func() time.Duration {
		since := time.Now()
		cancel()
		<-ended
		return time.Since(since)
	}
}

func (w *removalWorld) add(partition, n int) {
	for i := range n {
		w.removals.add(partition, uint64(i+1))
	}
}

func (w *removalWorld) wantRemoved(why string, partition, n int) {
	w.Helper()
	if got := w.removedFrom()[partition]; got != n {
		w.Errorf("%s: %d of partition %d are removed, want %d", why, got, partition, n)
	}
}

func (w *removalWorld) wantDropped(why string, n int) {
	w.Helper()
	if got := gather(w, w.counted, "limegrove_routing_dropped_total", string(dropRemoval)); got != float64(n) {
		w.Errorf("%s: %v are dropped, want %d", why, got, n)
	}
}

func TestSilentInboxesHoldUpNoOthersRemovals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRemovalWorld(t, 16)
		for p := range 15 {
			w.silence(p)
			w.add(p, 1000)
		}
		end := w.begin()
		defer end()
		synctest.Wait() // all that may has begun to wait for the silent ones
		w.add(15, 1000)
		time.Sleep(time.Second)
		w.wantRemoved("whoever answers is not kept waiting", 15, 1000)
	})
}

func TestASilentInboxHasOneRemovalUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRemovalWorld(t, 2)
		again := w.silence(0)
		end := w.begin()
		defer end()
		w.add(0, 100)
		time.Sleep(w.hubs.cfg.Timeout + 2*time.Millisecond)
		if n := w.asked(0); n != removalWorkers/2 {
			t.Errorf("%d are under way until the first has failed, want its share", n)
		}
		time.Sleep(time.Minute)
		if n := w.asked(0); n != 1 {
			t.Errorf("then %d are, want 1", n)
		}
		again()
		time.Sleep(mostPause + time.Second)
		w.wantRemoved("when it answers again nothing was lost", 0, 100)
		if n := w.asked(0); n != removalWorkers/2 {
			t.Errorf("then %d are under way, want its share", n)
		}
		if n := w.waiting(); n != 0 {
			t.Errorf("%d wait", n)
		}
		w.wantDropped("nor given up", 0)
	})
}

func TestACleanEndRemovesWhatItCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRemovalWorld(t, 2)
		w.silence(0)
		end := w.begin()
		w.add(0, 1000)
		time.Sleep(time.Minute)
		w.add(1, 1000)
		if took := end(); took > w.hubs.cfg.Timeout {
			t.Errorf("it ends after %v", took)
		}
		w.wantRemoved("what answers is emptied", 1, 1000)
		w.wantDropped("the rest comes again, which is counted", 1000)
		w.add(1, 1)
		w.wantDropped("as is what comes later", 1001)
	})
}

func TestACleanEndTriesASilentInboxAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRemovalWorld(t, 2)
		again := w.silence(0)
		end := w.begin()
		w.add(0, 10)
		time.Sleep(time.Minute)
		for w.asked(0); w.asked(0) > 0; {
			time.Sleep(time.Millisecond) // until it is left alone
		}
		again()
		if took := end(); took > 10*time.Millisecond {
			t.Errorf("it ends after %v", took)
		}
		w.wantRemoved("it answers again", 0, 10)
	})
}

func TestACleanEndWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRemovalWorld(t, 2)
		w.add(0, 1)
		end := w.begin()
		synctest.Wait() // it is under way
		if took := end(); took != time.Millisecond {
			t.Errorf("it ends after %v", took)
		}
		w.wantRemoved("what was under way is removed", 0, 1)
		w.wantDropped("and nothing is given up", 0)
	})
}

func TestTheQueueOfOneInboxLeavesRoomForOthers(t *testing.T) {
	const partitions = 16
	w := newRemovalWorld(t, partitions)
	w.add(0, removalsMax)
	if n := w.waiting(); n != removalsMax/partitions {
		t.Errorf("%d wait of one, want %d", n, removalsMax/partitions)
	}
	w.wantDropped("what has no room is counted", removalsMax-removalsMax/partitions)
	w.add(1, 1)
	w.wantDropped("another has some", removalsMax-removalsMax/partitions)
}
