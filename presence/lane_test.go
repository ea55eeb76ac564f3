package presence

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"limegrove/internal/redistest"
	"limegrove/lime"
)

func TestAMasterThatDoesNotAnswerHoldsUpOnlyItsOwnSlots(t *testing.T) {
	cluster := redistest.StartCluster(t, 3, 0)
	s, err := Open(Config{URL: cluster.URL(), Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.PutLease(t.Context(), Lease{Edge: "e1"}); err != nil {
		t.Fatal(err)
	}
	var stalled, others []Registration
	for i := 0; len(stalled) < 50 || len(others) < 50; i++ {
		r := Registration{Node: lime.MustParseNode(fmt.Sprintf("u%d@x/1", i)), Edge: "e1", Session: "s1"}
		switch slot := slotOf(identityKey(r.Node.Identity)); {
		case slot < 5000: // the first master has 0 to 5460
			stalled = append(stalled, r)
		case slot > 6200: // and no part of these lanes
			others = append(others, r)
		}
	}
	cluster.Masters[0].Pause()
	defer cluster.Masters[0].Resume()
	var wg sync.WaitGroup
	for _, r := range stalled {
		wg.Go(func() {
			if _, _, err := s.Register(t.Context(), r, false); err == nil {
				t.Errorf("%s was registered by a master that does not answer", r.Node)
			}
		})
	}
	for _, r := range others {
		begin := time.Now()
		_, _, err := s.Register(t.Context(), r, false)
		if took := time.Since(begin); err != nil || took > time.Second {
			t.Errorf("%s, of another master: %v after %v", r.Node, err, took)
		}
	}
	wg.Wait()
}

func TestACallAbandonedInTheQueueIsNotSent(t *testing.T) {
	server := redistest.Start(t)
	s, err := Open(Config{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c := s.scriptCall(t.Context(), registerScript, "lg:{ana@x}", "1", "v", 1, "0", "")
	c.state.Store(abandoned)
	if err := s.submit(t.Context(), "lg:{ana@x}", c); err != nil {
		t.Fatal(err)
	}
	if v, err := s.RawView(t.Context(), lime.MustParseIdentity("ana@x")); err != nil || v.Version != 0 {
		t.Errorf("got %v, %v; want no such key", v, err)
	}
}

func TestMetricsAreRegisteredOnceAndGoWithTheStore(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	for range 2 {
		s, err := Open(Config{URL: "redis://127.0.0.1:1", Metrics: reg})
		if err != nil {
			t.Fatal(err)
		}
		found, err := reg.Gather()
		if err != nil || len(found) != len(s.metrics.all())-1 { // nobody has a lease that could be old
			t.Errorf("gathered %d, %v", len(found), err)
		}
		if _, err := Open(Config{URL: "redis://127.0.0.1:1", Metrics: reg}); !errors.As(err, &prometheus.AlreadyRegisteredError{}) {
			t.Errorf("a second store on one registry: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
