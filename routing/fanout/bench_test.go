package fanout

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/internal/natstest"
	"limegrove/routing/stream"
)

// BenchmarkCopies is what a copy costs, of groups of several sizes: with JetStream beside
// it, whose share is in what is measured, and the router's alone, with streams that take all
// that they are given.
func BenchmarkCopies(b *testing.B) {
	for _, members := range []int{10, 250, 5000} {
		b.Run(fmt.Sprintf("JetStream/%d members", members), func(b *testing.B) {
			nc := natstest.Start(b)
			s, err := stream.Open(b.Context(), stream.Config{NATS: nc})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(s.Close)
			benchCopies(b, nc, s, members)
		})
		b.Run(fmt.Sprintf("nothing/%d members", members), func(b *testing.B) {
			benchCopies(b, natstest.New(b).Connect(), taker{}, members)
		})
	}
}

// taker is streams that keep nothing.
type taker struct{ Streams }

func (taker) Partitions() int { return 1 }

func (taker) Store(_ context.Context, all []*nats.Msg) []error { return make([]error, len(all)) }

// benchCopies fans messages of 200 bytes out.
func benchCopies(b *testing.B, nc *nats.Conn, streams Streams, members int) {
	b.Helper()
	p := &people{}
	var all []string
	for i := range members {
		all = append(all, fmt.Sprintf("member%d@x", i))
	}
	p.set(ops, all...)
	l := &leases{}
	f := New(Config{NATS: nc, Streams: streams, Leases: l, Groups: p, Router: "r", ID: "r"})
	t := f.newTenure(0)
	if held, err := t.lease.Hold(b.Context()); err != nil || !held {
		b.Fatal(held, err)
	}
	content := fmt.Sprintf("%100d", 1)
	t.lastUntil(time.Now().Add(time.Hour))
	one := func(i int) {
		b.Helper()
		w := waiting{Message: stream.Message{
			Sequence: uint64(i), Header: nats.Header{nats.MsgIdHdr: []string{fmt.Sprint("m", i)}},
			Data: fmt.Appendf(nil, `{"id":"%d","from":%q,"to":%q,"type":"text/plain","content":%q}`, i, ana, ops, content),
		}}
		if !t.fanOut(b.Context(), keyOf(ops), w) {
			b.Fatal("not fanned out")
		}
	}
	one(0) // reads the members
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	messages := 0
	for b.Loop() {
		messages++
		one(messages)
	}
	runtime.ReadMemStats(&after)
	copies := float64(messages * members)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/copies, "ns/copy")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/copies, "allocs/copy")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/copies, "B/copy")
	b.ReportMetric(0, "ns/op")
}
