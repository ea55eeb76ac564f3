package poll

import (
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// counters are what one loop has done, and others for it.
type counters struct {
	turns, wakes     atomic.Uint64
	reads, bytesIn   atomic.Uint64
	writes, bytesOut atomic.Uint64
	queued, held     atomic.Int64
	evicted          atomic.Uint64
	busy             atomic.Int64 // nanoseconds of turns; those of the last one come with the next
}

// Stats is what a group has done since it was made, and how many connections
// it has.
type Stats struct {
	Conns    int    // open now, those that wait for their loop included
	Turns    uint64 // rounds of loops
	Wakes    uint64 // how often a sleeping loop was woken by a post
	Reads    uint64 // reads that brought bytes, or the end
	BytesIn  uint64
	Writes   uint64 // tries to write
	BytesOut uint64
	Queued   int64  // bytes in out queues now
	Held     int64  // bytes that are unread now
	Evicted  uint64 // connections closed with ErrHeld
}

// Stats adds up the loops. It takes no lock.
func (g *Group) Stats() Stats {
	var s Stats
	for _, l := range g.loops {
		s.Conns += int(l.load.Load())
		s.Turns += l.stats.turns.Load()
		s.Wakes += l.stats.wakes.Load()
		s.Reads += l.stats.reads.Load()
		s.BytesIn += l.stats.bytesIn.Load()
		s.Writes += l.stats.writes.Load()
		s.BytesOut += l.stats.bytesOut.Load()
		s.Queued += l.stats.queued.Load()
		s.Held += l.stats.held.Load()
		s.Evicted += l.stats.evicted.Load()
	}
	return s
}

// register makes the group's metrics known to r, or none of them.
func (g *Group) register(r prometheus.Registerer) error {
	counter := func(name, help string, value func(Stats) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(
			prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(value(g.Stats())) })
	}
	all := []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "limegrove_poll_connections", Help: "Connections that the loops own.",
		}, func() float64 { return float64(g.Stats().Conns) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "limegrove_poll_queued_bytes", Help: "Bytes that wait for connections to take them.",
		}, func() float64 { return float64(g.Stats().Queued) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "limegrove_poll_held_bytes", Help: "Bytes held of frames, envelopes and requests that are half sent.",
		}, func() float64 { return float64(g.Stats().Held) }),
		counter("limegrove_poll_evicted_total", "Connections closed because too much was held of all, and of them for longest.", func(s Stats) uint64 { return s.Evicted }),
		counter("limegrove_poll_turns_total", "Rounds of the loops.", func(s Stats) uint64 { return s.Turns }),
		counter("limegrove_poll_wakes_total", "Times that a sleeping loop was woken by a post.", func(s Stats) uint64 { return s.Wakes }),
		counter("limegrove_poll_reads_total", "Reads from connections.", func(s Stats) uint64 { return s.Reads }),
		counter("limegrove_poll_read_bytes_total", "Bytes read from connections.", func(s Stats) uint64 { return s.BytesIn }),
		counter("limegrove_poll_writes_total", "Writes to connections.", func(s Stats) uint64 { return s.Writes }),
		counter("limegrove_poll_written_bytes_total", "Bytes that connections took.", func(s Stats) uint64 { return s.BytesOut }),
	}
	for i, l := range g.loops {
		all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "limegrove_poll_busy_seconds_total", Help: "Time in which a loop did not sleep, by loop.",
			ConstLabels: prometheus.Labels{"loop": strconv.Itoa(i)},
		}, func() float64 { return time.Duration(l.stats.busy.Load()).Seconds() }))
	}
	for i, c := range all {
		if err := r.Register(c); err != nil {
			for _, done := range all[:i] {
				r.Unregister(done)
			}
			return errors.Join(errors.New("poll: register metrics"), err)
		}
	}
	return nil
}
