package stream_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/internal/natstest"
	"limegrove/routing/stream"
)

// Server and client share the machine: what is measured is both.
func benchStreams(b *testing.B) (*stream.Streams, *nats.Conn) {
	b.Helper()
	nc := natstest.Start(b)
	s, err := stream.Open(b.Context(), stream.Config{NATS: nc, InboxLimit: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	return s, nc
}

func benchUser(i int) string { return "log.0.org.example.@.user" + itoa(i) + "._" }

// fill stores n messages of 300 bytes to so many addresses.
func fill(b *testing.B, nc *nats.Conn, n, addresses int) {
	b.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	data := []byte(strings.Repeat("x", 300))
	for i := range n {
		m := &nats.Msg{Subject: benchUser(i % addresses), Data: data, Header: nats.Header{"Nats-Msg-Id": {itoa(i)}}}
		if _, err := js.PublishMsgAsync(m, jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}

func BenchmarkReadPage(b *testing.B) {
	s, nc := benchStreams(b)
	fill(b, nc, 20_000, 200)
	for b.Loop() {
		page, err := s.ReadLog(b.Context(), 0, benchUser(7), 0, 100, 1<<20)
		if err != nil || len(page.Messages) != 100 {
			b.Fatal(len(page.Messages), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/message")
}

func BenchmarkReadNothing(b *testing.B) {
	s, nc := benchStreams(b)
	fill(b, nc, 20_000, 200)
	for b.Loop() {
		if _, err := s.ReadLog(b.Context(), 0, benchUser(4711), 0, 100, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLast1000(b *testing.B) {
	for name, addresses := range map[string]int{"all have some": 1000, "one in a hundred": 10} {
		b.Run(name, func(b *testing.B) {
			s, nc := benchStreams(b)
			fill(b, nc, 20_000, addresses)
			var subjects []string
			for i := range 1000 {
				subjects = append(subjects, benchUser(i))
			}
			for b.Loop() {
				if last, _, err := s.LastLog(b.Context(), 0, subjects); err != nil || len(last) != addresses {
					b.Fatal(len(last), err)
				}
			}
		})
	}
}

// A walk that begins reads by direct gets, one that goes on by a consumer, which it
// has to make here.
func BenchmarkWalk10000(b *testing.B) {
	for name, first := range map[string]int{"begins": 0, "goes on": 1} {
		b.Run(name, func(b *testing.B) {
			s, nc := benchStreams(b)
			fill(b, nc, 10_000, 200)
			later := time.Now().Add(time.Hour)
			for b.Loop() {
				if first > 0 {
					if _, err := s.WalkLog(b.Context(), 0, 1, later, first); err != nil {
						b.Fatal(err)
					}
				}
				walk, err := s.WalkLog(b.Context(), 0, uint64(1+first), later, 10_000)
				if err != nil || len(walk.Entries) < 9_900 {
					b.Fatal(len(walk.Entries), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/message")
		})
	}
}

func benchTransfers(n, addresses int) []stream.Transfer {
	list := make([]stream.Transfer, n)
	for i := range list {
		list[i].Message = stream.Message{Subject: benchUser(i % addresses), Data: []byte(strings.Repeat("x", 300))}
	}
	return list
}

func BenchmarkCopy1000(b *testing.B) {
	for name, addresses := range map[string]int{"to 1000": 1000, "to one": 1} {
		b.Run(name, func(b *testing.B) {
			s, _ := benchStreams(b)
			list := benchTransfers(1000, addresses)
			position := uint64(0)
			for b.Loop() {
				for i := range list {
					position++
					list[i].Message.Position = position
				}
				for _, err := range s.Copy(b.Context(), 0, list) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/message")
		})
	}
}

// What is walked through was copied before, and is walked through once: see BenchmarkCopy1000.
func BenchmarkWalkInbox(b *testing.B) {
	s, _ := benchStreams(b)
	list := benchTransfers(10_000, 1000)
	for i := range list {
		list[i].Message.Position = uint64(i + 1)
	}
	for _, err := range s.Copy(b.Context(), 0, list) {
		if err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		walked := 0
		for from, more := uint64(1), true; more; {
			page, err := s.WalkInbox(b.Context(), 0, from, time.Time{}, 250, 1<<20)
			if err != nil {
				b.Fatal(err)
			}
			from, more, walked = page.Through+1, page.More, walked+len(page.Messages)
		}
		if walked != len(list) {
			b.Fatal(walked)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(list)), "ns/message")
}

func BenchmarkDelete(b *testing.B) {
	s, _ := benchStreams(b)
	const stored = 20_000
	refill := func(from int) {
		list := benchTransfers(stored, 1000)
		for i := range list {
			list[i].Message.Position = uint64(from + i)
		}
		for _, err := range s.Copy(context.Background(), 0, list) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	refill(1)
	seq := uint64(0)
	for b.Loop() {
		if seq++; seq%stored == 0 {
			b.StopTimer()
			refill(int(seq) + 1)
			b.StartTimer()
		}
		if err := s.Delete(b.Context(), 0, seq); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPurge10000(b *testing.B) {
	s, nc := benchStreams(b)
	upTo := uint64(0)
	for b.Loop() {
		b.StopTimer()
		js, err := jetstream.New(nc)
		if err != nil {
			b.Fatal(err)
		}
		for i := range 10_000 {
			if _, err := js.PublishAsync(benchUser(i%1000), []byte("x"), jetstream.WithStallWait(time.Minute)); err != nil {
				b.Fatal(err)
			}
		}
		<-js.PublishAsyncComplete()
		upTo += 10_000
		b.StartTimer()
		if err := s.PurgeLog(b.Context(), 0, upTo); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/message")
}
