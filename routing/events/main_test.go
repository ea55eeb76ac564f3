package events_test

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"limegrove/event"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/routing/events"
	"limegrove/routing/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// started is an event about somebody.
func started(whom string, n int) event.Event {
	node := lime.MustParseNode(whom + "/1")
	return event.Event{
		ID: fmt.Sprintf("%s-%d", whom, n), Type: event.SessionStarted, Time: time.Unix(int64(n), 0), Whom: node.Identity, Node: node,
		Detail: event.Session{ID: fmt.Sprint(n)},
	}
}

// opened is a store in JetStream, of so many partitions.
func opened(t *testing.T, partitions int) *events.Store {
	t.Helper()
	nc := natstest.New(t).Connect()
	s, err := stream.Open(t.Context(), stream.Config{NATS: nc, Partitions: partitions, Events: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	store, err := events.Open(t.Context(), events.StoreConfig{NATS: nc, Streams: s, Replicas: 1, Age: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// read are all events of a partition.
func read(t *testing.T, s *events.Store, p int) (all []events.Stored) {
	t.Helper()
	for from := uint64(1); ; {
		page, err := s.Read(t.Context(), p, from, 7, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Events...)
		if !page.More {
			return all
		}
		from = page.Through + 1
	}
}
