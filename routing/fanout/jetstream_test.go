package fanout

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// stuckStreams are JetStream's, of which the logs of some take nothing for a while.
type stuckStreams struct {
	*stream.Streams
	stuck   string // the subject of their copies
	refuses atomic.Bool
}

func (s *stuckStreams) Store(ctx context.Context, all []*nats.Msg) []error {
	if s.refuses.Load() && all[0].Subject == s.stuck {
		errs := make([]error, len(all))
		for i := range errs {
			errs[i] = stream.ErrUnavailable
		}
		return errs
	}
	return s.Streams.Store(ctx, all)
}

// TestStuckGroupInJetStream: what is passed over there comes in order in the end.
func TestStuckGroupInJetStream(t *testing.T) {
	const other, many = "other@groups.x", 400
	w := newWorld(t)
	nc := w.server.Connect()
	s, err := stream.Open(t.Context(), stream.Config{NATS: nc})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	parts := s.Partitions()
	rui, eva := keyOf("rui@x"), keyOf("eva@x")
	logs := &stuckStreams{Streams: s, stuck: rui.Log(rui.Partition(parts), subject.Identity)}
	logs.refuses.Store(true)
	w.people.set(ops, "rui@x")
	w.people.set(other, "eva@x")
	add := func(group string, i int) *nats.Msg {
		return &nats.Msg{
			Subject: keyOf(group).Group(0), Header: nats.Header{nats.MsgIdHdr: []string{fmt.Sprint(group, i)}},
			Data: fmt.Appendf(nil, `{"id":"%d","from":%q,"to":%q,"type":"text/plain","content":"x"}`, i, ana, group),
		}
	}
	store := func(m *nats.Msg) {
		t.Helper()
		if err := s.Store(t.Context(), []*nats.Msg{m})[0]; err != nil {
			t.Fatal(err)
		}
	}
	for i := range many {
		store(add(ops, i))
	}
	store(add(other, 0))
	ids := func(k subject.Key) (all []string) {
		t.Helper()
		for from := uint64(1); ; {
			p := k.Partition(parts)
			page, err := s.ReadLog(t.Context(), p, k.Log(p, subject.Identity), from, 1000, 8<<20)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page.Messages {
				var h lime.Header
				if _, err := h.Scan(m.Data); err != nil {
					t.Fatal(err)
				}
				all = append(all, string(h.ID))
			}
			if from = page.Through + 1; !page.More {
				return all
			}
		}
	}
	r := w.start("r", func(c *Config) { c.NATS, c.Streams = nc, logs })
	w.eventually("the other group goes on", func() bool { return len(ids(eva)) == 1 })
	w.eventually("what is passed over waits", func() bool { return r.waits(t) == many })
	logs.refuses.Store(false)
	w.eventually("nothing is left", func() bool {
		page, err := s.WalkGroup(t.Context(), 0, 1, 1, 1<<20)
		return err == nil && len(page.Messages) == 0
	})
	got := ids(rui)
	for i := range many {
		if len(got) != many || got[i] != fmt.Sprint(i) {
			t.Fatalf("there are %d copies, want %d in order", len(got), many)
		}
	}
}
