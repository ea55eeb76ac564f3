package edge

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"limegrove/lime"
)

// Traffic counts the envelopes that the clients of an edge send and are sent, by kind. What they hear in
// rooms is not among them: package routing/rooms counts that.
type Traffic struct{ received, sent flow }

// flow is one direction.
type flow [lime.KindSession + 1]struct{ envelopes, bytes prometheus.Counter }

// tally is a number of envelopes and how long they are together.
type tally struct{ envelopes, bytes int }

// NewTraffic makes the counters and registers them; nil is nowhere.
func NewTraffic(r prometheus.Registerer) *Traffic {
	f := promauto.With(r)
	envelopes := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_envelopes_total", Help: "Envelopes that clients have sent (received) and were sent, by direction and kind; not what they hear in rooms.",
	}, []string{"direction", "kind"})
	bytes := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_envelope_bytes_total", Help: "Bytes of those envelopes, by direction and kind.",
	}, []string{"direction", "kind"})
	t := new(Traffic)
	for name, of := range map[string]*flow{"received": &t.received, "sent": &t.sent} {
		for k := range of {
			of[k].envelopes, of[k].bytes = envelopes.WithLabelValues(name, lime.Kind(k).String()), bytes.WithLabelValues(name, lime.Kind(k).String())
		}
	}
	return t
}

// Sent counts envelopes that were queued for clients. It may be called from anywhere.
func (t *Traffic) Sent(k lime.Kind, envelopes, bytes int) {
	t.sent[k].envelopes.Add(float64(envelopes))
	t.sent[k].bytes.Add(float64(bytes))
}

// took counts what was taken of a client in one turn, and clears it.
func (t *Traffic) took(all *[lime.KindSession + 1]tally) {
	for k := range all {
		if n := &all[k]; n.envelopes > 0 {
			t.received[k].envelopes.Add(float64(n.envelopes))
			t.received[k].bytes.Add(float64(n.bytes))
			*n = tally{}
		}
	}
}
