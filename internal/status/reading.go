package status

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reading is what a process's metrics are at a moment.
type reading struct {
	at time.Time

	// Numbers.
	sessions, connections, queued, memory float64
	lag, lease                            float64
	overloaded                            bool
	states, dialects                      map[string]float64

	// What only rises.
	received, sent           Rate
	commands, logins, cpu    float64
	roundTrips, roundSeconds float64
	dropped                  map[string]float64 // by reason
	busy                     map[string]float64 // seconds, by loop
}

// read reads the metrics. Those that are missing are 0: a router has fewer. What cannot be gathered is left out.
func read(from prometheus.Gatherer, now time.Time) reading {
	r := reading{at: now, states: map[string]float64{}, dialects: map[string]float64{}, dropped: map[string]float64{}, busy: map[string]float64{}}
	families, _ := from.Gather() // an error is beside what there is
	for _, f := range families {
		name := f.GetName()
		if !strings.HasPrefix(name, "limegrove_") && !strings.HasPrefix(name, "process_") {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if h := m.GetHistogram(); h != nil {
				r.time(name, h.GetSampleSum(), float64(h.GetSampleCount()))
				continue
			}
			r.take(name, labels, m.GetCounter().GetValue()+m.GetGauge().GetValue())
		}
	}
	return r
}

// time notes a histogram.
func (r *reading) time(name string, sum, count float64) {
	if name == "limegrove_nats_round_trip_seconds" {
		r.roundTrips += count
		r.roundSeconds += sum
	}
}

// take notes a counter or a gauge.
func (r *reading) take(name string, labels map[string]string, value float64) {
	switch name {
	case "limegrove_edge_sessions":
		r.sessions = value
	case "limegrove_edge_connections":
		r.connections = value
	case "limegrove_edge_session_states":
		r.states[labels["state"]] += value
	case "limegrove_edge_dialect_sessions":
		r.dialects[labels["dialect"]] += value
	case "limegrove_edge_envelopes_total":
		r.flow(labels).Envelopes += value
	case "limegrove_edge_envelope_bytes_total":
		r.flow(labels).Bytes += value
	case "limegrove_edge_overloaded":
		r.overloaded = value != 0
	case "limegrove_edge_lag_seconds":
		r.lag = value
	case "limegrove_poll_queued_bytes":
		r.queued = value
	case "limegrove_poll_busy_seconds_total":
		r.busy[labels["loop"]] = value
	case "limegrove_presence_lease_age_seconds":
		r.lease = value
	case "limegrove_resource_commands_total":
		r.commands += value
	case "limegrove_router_logins_total":
		r.logins += value
	case "process_cpu_seconds_total":
		r.cpu = value
	case "process_resident_memory_bytes":
		r.memory = value
	default:
		if strings.HasSuffix(name, "_dropped_total") && value > 0 {
			r.dropped[labels["reason"]] += value
		}
	}
}

// flow is the direction of labels.
func (r *reading) flow(labels map[string]string) *Rate {
	if labels["direction"] == "sent" {
		return &r.sent
	}
	return &r.received
}

// since fills in what a member did between an earlier reading and this one, and is now.
func (r *reading) since(before *reading, to *Report) {
	seconds := max(r.at.Sub(before.at).Seconds(), 1e-3)
	rate := func(was, is float64) float64 { return max(0, is-was) / seconds }
	to.Sessions, to.Connections, to.Queued, to.Memory = int(r.sessions), int(r.connections), int(r.queued), int(r.memory)
	to.Lag, to.Lease, to.Overloaded = r.lag, r.lease, r.overloaded
	to.States, to.Dialects = whole(r.states), whole(r.dialects)
	to.Received = Rate{rate(before.received.Envelopes, r.received.Envelopes), rate(before.received.Bytes, r.received.Bytes)}
	to.Sent = Rate{rate(before.sent.Envelopes, r.sent.Envelopes), rate(before.sent.Bytes, r.sent.Bytes)}
	to.Commands, to.Logins = rate(before.commands, r.commands), rate(before.logins, r.logins)
	to.Processors = rate(before.cpu, r.cpu)
	to.RoundTrip = 0
	if n := r.roundTrips - before.roundTrips; n > 0 {
		to.RoundTrip = (r.roundSeconds - before.roundSeconds) / n
	} else if r.roundTrips > 0 {
		to.RoundTrip = r.roundSeconds / r.roundTrips
	}
	to.Busy = 0
	for loop, is := range r.busy {
		to.Busy = max(to.Busy, min(1, rate(before.busy[loop], is)))
	}
	to.Dropped = map[string]float64{}
	for reason, is := range r.dropped {
		if n := rate(before.dropped[reason], is); n > 0 {
			to.Dropped[reason] = n
		}
	}
}

// sample is the same as a sample.
func (r *reading) sample(before *reading) Sample {
	var all Report
	r.since(before, &all)
	s := Sample{
		At: r.at.Truncate(sampleSpan).Unix(), Sessions: all.Sessions,
		Received: all.Received.Envelopes, Sent: all.Sent.Envelopes, Busy: all.Busy,
	}
	for _, n := range all.Dropped {
		s.Dropped += n
	}
	return s
}

// whole are the numbers that are not 0.
func whole(all map[string]float64) map[string]int {
	left := map[string]int{}
	for name, n := range all {
		if n != 0 {
			left[name] = int(n)
		}
	}
	return left
}
