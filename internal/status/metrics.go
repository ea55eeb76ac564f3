package status

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// refusal is why somebody did not get what was asked for; it is a metric's label.
type refusal string

// The reasons.
const (
	refusedWatchers refusal = "watchers" // as many watch as may
	refusedToken    refusal = "token"    // a wrong token
	refusedGuesses  refusal = "guesses"  // after too many wrong ones
	refusedOrigin   refusal = "origin"   // another page has asked
)

type metrics struct {
	refusals map[refusal]prometheus.Counter
}

func newMetrics(r prometheus.Registerer, p *Page) *metrics {
	f := promauto.With(r)
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_status_watchers", Help: "Windows that show the status page of this process.",
	}, func() float64 {
		p.mu.Lock()
		defer p.mu.Unlock()
		return float64(len(p.watchers))
	})
	refused := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_status_refused_total", Help: "Requests of the status page that were refused, by reason: watchers when as many watch as may, a wrong token, guesses after too many of those, or origin, another page.",
	}, []string{"reason"})
	m := &metrics{refusals: map[refusal]prometheus.Counter{}}
	for _, why := range []refusal{refusedWatchers, refusedToken, refusedGuesses, refusedOrigin} {
		m.refusals[why] = refused.WithLabelValues(string(why))
	}
	return m
}

func (m *metrics) refused(why refusal) { m.refusals[why].Inc() }
