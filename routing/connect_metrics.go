package routing

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// watchConnection registers what the library counts of a connection, which is looked at when somebody asks.
func watchConnection(r prometheus.Registerer, purpose string, nc *nats.Conn) {
	f := promauto.With(r)
	labels := prometheus.Labels{"connection": purpose}
	gauge := func(name, help string, value func() float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value)
	}
	counter := func(name, help, direction string, value func(nats.Statistics) uint64) {
		of := labels
		if direction != "" {
			of = prometheus.Labels{"connection": purpose, "direction": direction}
		}
		f.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: of}, func() float64 { return float64(value(nc.Stats())) })
	}
	gauge("limegrove_nats_connected", "1 while a connection to NATS is there, by what it is for.", func() float64 {
		if nc.IsConnected() {
			return 1
		}
		return 0
	})
	gauge("limegrove_nats_buffered_bytes", "Bytes that wait to be written to NATS.", func() float64 {
		n, err := nc.Buffered()
		if err != nil { // it is closed
			return 0
		}
		return float64(n)
	})
	counter("limegrove_nats_reconnects_total", "Times that a connection was made again.", "", func(s nats.Statistics) uint64 { return s.Reconnects })
	const messages, bytes = "limegrove_nats_messages_total", "limegrove_nats_bytes_total"
	const helpMessages, helpBytes = "Messages of NATS, by direction: in or out.", "Bytes of those messages, by direction."
	counter(messages, helpMessages, "in", func(s nats.Statistics) uint64 { return s.InMsgs })
	counter(messages, helpMessages, "out", func(s nats.Statistics) uint64 { return s.OutMsgs })
	counter(bytes, helpBytes, "in", func(s nats.Statistics) uint64 { return s.InBytes })
	counter(bytes, helpBytes, "out", func(s nats.Statistics) uint64 { return s.OutBytes })
}

const (
	roundTripEvery   = 5 * time.Second
	roundTripTimeout = 2 * time.Second
)

// MeasureRoundTrips asks the broker now and then for a sign, behind what is to be written, and notes how long it
// takes, until ctx is done.
func MeasureRoundTrips(ctx context.Context, nc *nats.Conn, r prometheus.Registerer) {
	f := promauto.With(r)
	seconds := f.NewHistogram(prometheus.HistogramOpts{
		Name: "limegrove_nats_round_trip_seconds", Help: "Time from asking NATS for a sign, behind all that was to be written, to its answer; asked for every five seconds.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2},
	})
	failures := f.NewCounter(prometheus.CounterOpts{
		Name: "limegrove_nats_round_trip_failures_total", Help: "Times that the answer did not come, since NATS was away or took more than two seconds.",
	})
	tick := time.NewTicker(roundTripEvery)
	defer tick.Stop()
	for {
		began := time.Now()
		asked, cancel := context.WithTimeout(ctx, roundTripTimeout)
		err := nc.FlushWithContext(asked)
		cancel()
		switch {
		case err == nil:
			seconds.Observe(time.Since(began).Seconds())
		case ctx.Err() == nil:
			failures.Inc()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
