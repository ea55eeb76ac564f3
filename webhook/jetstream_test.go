package webhook

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/event"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/events"
	"limegrove/routing/stream"
)

// patience bounds every wait; only a very busy machine comes near.
const patience = 2 * time.Minute

// TestEventsOutliveLeadersAndTheirStream: on three servers with three replicas, with two routers of which each
// thinks now and then that it has the partition.
func TestEventsOutliveLeadersAndTheirStream(t *testing.T) {
	const people, each = 8, 150
	servers := natstest.Cluster(t, 3)
	nc := servers.Connect()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var streams *stream.Streams
	must := func(what string, try func() error) {
		t.Helper()
		for {
			err := try()
			if err == nil {
				return
			}
			if ctx.Err() != nil || !stream.Leaderless(err) {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	must("open", func() (err error) {
		streams, err = stream.Open(ctx, stream.Config{NATS: nc, Replicas: 3, Events: true})
		return err
	})
	defer streams.Close()
	var store *events.Store
	must("open", func() (err error) {
		store, err = events.Open(ctx, events.StoreConfig{NATS: nc, Streams: streams, Replicas: 3, Age: time.Hour})
		return err
	})
	platform := newPlatform(t)
	endpoints := []Endpoint{{Name: "push", URL: "http://push/x", Secret: []byte(secret), Events: []event.Type{event.SessionStarted}, Batch: 20}}
	if err := Check(endpoints, time.Hour*48); err != nil {
		t.Fatal(err)
	}
	publisher := events.NewPublisher(events.PublisherConfig{Streams: streams, Types: endpoints[0].Events})
	running, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { publisher.Run(running) })
	all.Go(func() {
		if err := streams.Keep(running, nil); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"a", "b"} {
		d := New(Config{
			Events: store, Places: store, DeadLetters: store, Leases: everybody{}, Router: presence.EdgeID(name),
			Endpoints: endpoints, Transport: platform,
		})
		all.Go(func() { d.Run(running) })
	}
	defer all.Wait()
	defer stop()

	tell := func(who, n int) {
		node := lime.MustParseNode(fmt.Sprintf("u%d@t/1", who))
		publisher.Tell(event.Event{
			ID: fmt.Sprintf("u%d-%d", who, n), Type: event.SessionStarted, Time: time.Now(), Whom: node.Identity, Node: node, Detail: event.Session{ID: "s"},
		})
	}
	for n := range each {
		for who := range people {
			tell(who, n)
		}
		switch n {
		case each / 4, each * 3 / 4:
			servers.StepDown("EVENT_0")
		case each / 2:
			servers.StepDown("KV_webhooks")
		}
		time.Sleep(10 * time.Millisecond) // a rate
	}
	eventually := func(why string, ok func() bool) {
		t.Helper()
		for !ok() {
			select {
			case <-ctx.Done():
				t.Fatalf("never: %s", why)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	for who := range people {
		eventually("all come", func() bool { return platform.last(who) == each-1 })
		platform.wantOrder(t, who, each)
	}

	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	must("delete", func() error { return js.DeleteStream(ctx, "EVENT_0") })
	tell(0, each)
	eventually("what comes after that comes", func() bool { return platform.last(0) == each })
}

// everybody has every lease.
type everybody struct{}

func (everybody) Hold(context.Context, string, presence.EdgeID, time.Duration) (bool, error) {
	return true, nil
}

func (everybody) Release(context.Context, string, presence.EdgeID) error { return nil }

// first are the numbers of the events about somebody in the order in which each came first.
func (p *platform) first(who int) (all []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[int]bool{}
	for _, id := range p.got["push"] {
		var w, n int
		if _, err := fmt.Sscanf(id, "u%d-%d", &w, &n); err == nil && w == who && !seen[n] {
			seen[n] = true
			all = append(all, n)
		}
	}
	return all
}

func (p *platform) last(who int) int {
	all := p.first(who)
	if len(all) == 0 {
		return -1
	}
	return all[len(all)-1]
}

func (p *platform) wantOrder(t *testing.T, who, n int) {
	t.Helper()
	all := p.first(who)
	for i, got := range all {
		if got != i {
			t.Fatalf("u%d: %d comes at %d", who, got, i)
		}
	}
	if len(all) != n {
		t.Errorf("u%d: %d have come, want %d", who, len(all), n)
	}
}
