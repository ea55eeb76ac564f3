package sweep

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/stream"
)

// BenchmarkCatchUp has a sweep walk through a log that has grown long, all of it
// acknowledged, while somebody stores messages one after the other: what the walk costs
// it is what it costs everybody. Server, sweep and sender share the machine.
func BenchmarkCatchUp(b *testing.B) {
	const messages, addresses = 100_000, 1000
	for _, lot := range []int{500, 2_000, 10_000} {
		b.Run(fmt.Sprint("lots of ", lot), func(b *testing.B) {
			nc := natstest.Start(b)
			s, err := stream.Open(b.Context(), stream.Config{NATS: nc})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			r := &redis{floors: map[lime.Identity]presence.Floor{}}
			js, err := jetstream.New(nc)
			if err != nil {
				b.Fatal(err)
			}
			data := []byte(strings.Repeat("x", 300))
			for i := range addresses {
				identity := lime.MustParseIdentity(fmt.Sprintf("user%d@t", i))
				r.floors[identity] = presence.Floor{Identity: identity, Log: s.LogName(0), Position: 1 << 60}
			}
			for b.Loop() {
				b.StopTimer()
				for i := range messages {
					if _, err := js.PublishAsync(fmt.Sprintf("log.0.t.@.user%d._", i%addresses), data, jetstream.WithStallWait(time.Minute)); err != nil {
						b.Fatal(err)
					}
				}
				<-js.PublishAsyncComplete()
				b.StartTimer()
				took := catchUp(b, nc, Config{Streams: s, Registry: r, Router: "inc-r", Lot: lot, Wary: time.Nanosecond, Delay: time.Nanosecond}, messages)
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-store-µs")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-store-µs")
				b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-store-µs")
			}
		})
	}
}

// catchUp sweeps until so many messages are behind, and returns how long storing another
// took meanwhile.
func catchUp(b *testing.B, nc *nats.Conn, cfg Config, messages int) (took []time.Duration) {
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	cfg.Metrics = reg
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		New(cfg).Run(ctx)
	}()
	for looked(b, reg) < messages {
		for range 20 {
			began := time.Now()
			if _, err := js.Publish(ctx, "log.0.t.@.user1._", []byte("x")); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
	}
	cancel()
	<-ended
	return took
}

// looked is how many messages a sweep has come by.
func looked(b *testing.B, reg *prometheus.Registry) int {
	families, err := reg.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "limegrove_sweep_messages_total" {
			return int(f.GetMetric()[0].GetCounter().GetValue())
		}
	}
	return 0
}
