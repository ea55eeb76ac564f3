package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/event"
	"limegrove/lime"
	"limegrove/routing/events"
	"limegrove/routing/stream"
)

// streams are two partitions in memory that know ids, and fail as a test wants.
type streams struct {
	mu     sync.Mutex
	stored []*nats.Msg
	ids    map[string]bool
	again  int                     // that were there already
	fails  func(m *nats.Msg) error // nil: nothing does
	unsure func() bool             // whether one that is stored is answered so
}

func (s *streams) Partitions() int { return 2 }

func (s *streams) StoreInOrder(ctx context.Context, list []*nats.Msg) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(list))
	stuck := map[string]error{}
	for i, m := range list {
		if err := stuck[m.Subject]; err != nil {
			errs[i] = err
			continue
		}
		if s.fails != nil {
			errs[i] = s.fails(m)
		}
		if ctx.Err() != nil {
			errs[i] = fmt.Errorf("%w: %w", stream.ErrUnavailable, ctx.Err())
		}
		if errors.Is(errs[i], stream.ErrUnavailable) {
			stuck[m.Subject] = errs[i]
		}
		if errs[i] != nil {
			continue
		}
		id := m.Header.Get(nats.MsgIdHdr)
		if s.ids[id] {
			s.again++
		} else {
			s.ids[id] = true
			s.stored = append(s.stored, m)
		}
		if s.unsure != nil && s.unsure() {
			errs[i] = stream.ErrUnavailable
			stuck[m.Subject] = errs[i]
		}
	}
	return errs
}

// of are the session ids of what is stored about somebody, in order.
func (s *streams) of(t *testing.T, whom string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, m := range s.stored {
		var e event.Event
		if err := json.Unmarshal(m.Data, &e); err != nil {
			t.Fatal(err)
		}
		if e.Whom.String() == whom {
			all = append(all, e.Detail.(event.Session).ID)
		}
	}
	return strings.Join(all, " ")
}

// publishing runs a publisher beside a test, in virtual time.
func publishing(t *testing.T, cfg events.PublisherConfig, s *streams, play func(p *events.Publisher)) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewRegistry()
	synctest.Test(t, func(t *testing.T) {
		s.ids = map[string]bool{}
		cfg.Streams, cfg.Metrics = s, reg
		if cfg.Types == nil {
			cfg.Types = []event.Type{event.SessionStarted}
		}
		p := events.NewPublisher(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			p.Run(ctx)
		}()
		play(p)
		cancel()
		<-ended
	})
	return reg
}

// wantDropped wants so many events dropped for a reason, and none for another.
func wantDropped(t *testing.T, reg *prometheus.Registry, reason string, want int) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != "limegrove_events_dropped_total" {
				continue
			}
			n := 0
			if m.GetLabel()[0].GetValue() == reason {
				n = want
			}
			if m.GetCounter().GetValue() != float64(n) {
				t.Errorf("%v dropped as %s, want %d", m.GetCounter().GetValue(), m.GetLabel()[0].GetValue(), n)
			}
		}
	}
}

func numbers(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return strings.Join(all, " ")
}

func TestEventsOfAnIdentityKeepTheirOrderWhateverFails(t *testing.T) {
	const each = 3000 // more than are stored together
	people := []string{"ana@t", "rui@t", "eva@t", "lia@t"}
	s := &streams{}
	roll := func() bool { return rand.IntN(100) == 0 }
	s.fails = func(*nats.Msg) error {
		if roll() {
			return stream.ErrUnavailable
		}
		return nil
	}
	s.unsure = roll
	reg := publishing(t, events.PublisherConfig{MaxBytes: 1 << 30}, s, func(p *events.Publisher) {
		for i := range each {
			for _, whom := range people {
				p.Tell(started(whom, i))
			}
		}
		time.Sleep(time.Hour) // virtual
	})
	for _, whom := range people {
		if got := s.of(t, whom); got != numbers(each) {
			t.Errorf("%s: %.200s", whom, got)
		}
	}
	if s.again == 0 {
		t.Error("nothing was told twice, so that nothing is shown")
	}
	wantDropped(t, reg, "", 0)
}

func TestAPartitionThatTakesNothingHoldsUpNoOther(t *testing.T) {
	s := &streams{}
	s.fails = func(m *nats.Msg) error {
		if strings.HasPrefix(m.Subject, "event.0.") {
			return stream.ErrUnavailable
		}
		return nil
	}
	publishing(t, events.PublisherConfig{}, s, func(p *events.Publisher) {
		for i := range 20 {
			p.Tell(started(fmt.Sprintf("u%d@t", i), i))
		}
		synctest.Wait()
		s.mu.Lock()
		got := len(s.stored)
		s.mu.Unlock()
		if got == 0 || got == 20 {
			t.Errorf("%d of 20 are stored", got)
		}
	})
}

func TestWhatDoesNotFitIsDroppedAndCounted(t *testing.T) {
	s := &streams{fails: func(*nats.Msg) error { return stream.ErrUnavailable }}
	const kept = 5
	reg := publishing(t, events.PublisherConfig{MaxBytes: kept * 800}, s, func(p *events.Publisher) {
		for i := range 100 {
			p.Tell(started(fmt.Sprintf("u%02d@t", i), i))
		}
		synctest.Wait()
		s.mu.Lock()
		s.fails = nil
		s.mu.Unlock()
		time.Sleep(time.Minute) // virtual
		p.Tell(started("u99@t", 100))
	})
	if len(s.stored) != kept+1 || s.of(t, "u04@t") != "4" || s.of(t, "u99@t") != "100" {
		t.Errorf("%d are stored", len(s.stored))
	}
	wantDropped(t, reg, "full", 95)
}

func TestWhoIsBusyLeavesRoomForOthers(t *testing.T) {
	s := &streams{fails: func(*nats.Msg) error { return stream.ErrUnavailable }}
	const room, others = 64 * 8000, 500 // a share is some ten events
	reg := publishing(t, events.PublisherConfig{MaxBytes: room}, s, func(p *events.Publisher) {
		for i := range 5000 {
			p.Tell(started("ana@t", i))
		}
		for i := range others {
			p.Tell(started(fmt.Sprintf("u%03d@t", i), i))
		}
		synctest.Wait()
		s.mu.Lock()
		s.fails = nil
		s.mu.Unlock()
		time.Sleep(time.Minute) // virtual
		p.Tell(started("ana@t", 5000))
	})
	n := len(s.stored) - others - 1
	if n < 5 || n > 12 || s.of(t, "ana@t") != numbers(n)+" 5000" {
		t.Errorf("of who is busy %d are stored: %s", n, s.of(t, "ana@t"))
	}
	wantDropped(t, reg, "share", 5000-n)
}

func TestWhatNoStreamTakesIsPassedOver(t *testing.T) {
	s := &streams{}
	s.fails = func(m *nats.Msg) error {
		if m.Header.Get(nats.MsgIdHdr) == "ana@t-1" {
			return fmt.Errorf("too long: %w", stream.ErrRefused)
		}
		return nil
	}
	reg := publishing(t, events.PublisherConfig{}, s, func(p *events.Publisher) {
		for i := range 3 {
			p.Tell(started("ana@t", i))
		}
		synctest.Wait()
	})
	if got := s.of(t, "ana@t"); got != "0 2" {
		t.Errorf("stored: %s", got)
	}
	wantDropped(t, reg, "refused", 1)
}

func TestWhatIsMalformedIsDropped(t *testing.T) {
	reg := publishing(t, events.PublisherConfig{Types: []event.Type{event.SessionStarted, event.MessageAbsent}}, &streams{}, func(p *events.Publisher) {
		e := started("ana@t", 1)
		e.Whom.Name = strings.Repeat("x", 5000)
		p.Tell(e)
		e = started("ana@t", 1)
		e.Type, e.Detail = event.MessageAbsent, event.Message{To: lime.MustParseNode("ana@t"), Envelope: []byte("{")}
		p.Tell(e)
		if err := p.Store(t.Context(), []event.Event{e}); err != nil {
			t.Errorf("a step would be done again for ever: %v", err)
		}
	})
	wantDropped(t, reg, "malformed", 3)
}

func TestNobodyIsToldOfWhatNobodyWants(t *testing.T) {
	s := &streams{}
	publishing(t, events.PublisherConfig{Types: []event.Type{event.MessageAbsent}}, s, func(p *events.Publisher) {
		p.Tell(started("ana@t", 1))
		if err := p.Store(t.Context(), []event.Event{started("ana@t", 2)}); err != nil || p.Wants(event.SessionStarted) || !p.Wants(event.MessageAbsent) {
			t.Error("wanted", err)
		}
		synctest.Wait()
	})
	if len(s.stored) != 0 {
		t.Errorf("stored: %v", s.stored)
	}
}

func TestWhatWaitsIsStoredBeforeTheEnd(t *testing.T) {
	s := &streams{fails: func(*nats.Msg) error { return stream.ErrUnavailable }}
	reg := publishing(t, events.PublisherConfig{}, s, func(p *events.Publisher) {
		for i := range 3 {
			p.Tell(started("ana@t", i))
		}
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fails = nil
	})
	if got := s.of(t, "ana@t"); got != numbers(3) {
		t.Errorf("stored: %s", got)
	}
	wantDropped(t, reg, "", 0)

	s = &streams{fails: func(*nats.Msg) error { return stream.ErrUnavailable }}
	reg = publishing(t, events.PublisherConfig{}, s, func(p *events.Publisher) { p.Tell(started("ana@t", 1)) })
	wantDropped(t, reg, "ended", 1)

	var p *events.Publisher
	s = &streams{}
	reg = publishing(t, events.PublisherConfig{}, s, func(one *events.Publisher) { p = one })
	p.Tell(started("ana@t", 2)) // too late
	wantDropped(t, reg, "ended", 1)
}

func TestWhoHasToKnowIsToldThatEventsAreNotStored(t *testing.T) {
	s := &streams{}
	publishing(t, events.PublisherConfig{}, s, func(p *events.Publisher) {
		all := []event.Event{started("ana@t", 0), started("rui@t", 0), started("ana@t", 1)}
		s.fails = func(m *nats.Msg) error {
			if m.Header.Get(nats.MsgIdHdr) == "rui@t-0" {
				return stream.ErrUnavailable
			}
			return nil
		}
		if err := p.Store(t.Context(), all); !errors.Is(err, stream.ErrUnavailable) {
			t.Errorf("%v", err)
		}
		s.fails = nil
		if err := p.Store(t.Context(), all); err != nil {
			t.Error(err)
		}
	})
	if len(s.stored) != 3 || s.again != 2 {
		t.Errorf("%d stored, %d again", len(s.stored), s.again)
	}
}

func TestEventsInJetStream(t *testing.T) {
	store := opened(t, 3)
	p := events.NewPublisher(events.PublisherConfig{Streams: store.Streams, Types: []event.Type{event.SessionStarted}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Run(ctx)
	}()
	const each = 100
	people := []string{"Ana@Example.org", "rui@t", "eva@t", "lia@t"}
	for i := range each {
		for _, whom := range people {
			p.Tell(started(whom, i))
		}
	}
	cancel()
	<-ended
	got := map[string][]string{}
	for part := range 3 {
		for _, e := range read(t, store, part) {
			whom, n, _ := strings.Cut(e.ID, "-")
			got[whom] = append(got[whom], n)
			if e.Type != event.SessionStarted || e.Endpoint != "" || e.Stored.IsZero() || !strings.HasSuffix(strings.ToLower(whom), "@"+e.Domain) {
				t.Fatalf("%+v", e)
			}
		}
	}
	for _, whom := range people {
		if strings.Join(got[whom], " ") != numbers(each) {
			t.Errorf("%s: %v", whom, got[whom])
		}
	}
}
