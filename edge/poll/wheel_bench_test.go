package poll

import (
	"testing"
	"time"
)

// BenchmarkWheel has 15,000 connections whose deadlines are spread over 30 s, as those
// of idle sessions are until their next pings. An operation is one tick: all that are due
// are found and given the next deadline.
func BenchmarkWheel(b *testing.B) {
	const conns, period = 15_000, 30 * time.Second
	now := time.Unix(1000, 0)
	w := &wheel{start: now}
	for i := range conns {
		w.set(new(Conn), now.Add(period*time.Duration(i+1)/conns))
	}
	due := make([]*Conn, 0, conns)
	fired := 0
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(tick)
		due = w.advance(now, due[:0])
		for _, c := range due {
			w.set(c, now.Add(period))
		}
		fired += len(due)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(fired), "ns/deadline")
}

// BenchmarkPostpone is a deadline moved to later, as everything that a client sends does.
func BenchmarkPostpone(b *testing.B) {
	now := time.Unix(1000, 0)
	w := &wheel{start: now}
	c := new(Conn)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		w.set(c, now.Add(30*time.Second))
	}
}
