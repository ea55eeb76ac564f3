package edge

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// compressionMetrics are the counters of compressed messages.
type compressionMetrics struct {
	agreed         prometheus.Counter
	sent, received compressionCounters

	small, busy, incompressible prometheus.Counter // sent as they are
	tooLong, malformed          prometheus.Counter // refused
}

// compressionCounters are those of one direction.
type compressionCounters struct{ messages, plain, deflated prometheus.Counter }

// note counts a message.
func (c *compressionCounters) note(plain, deflated int) {
	c.messages.Inc()
	c.plain.Add(float64(plain))
	c.deflated.Add(float64(deflated))
}

func newCompressionMetrics(f promauto.Factory) *compressionMetrics {
	messages := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_compressed_total", Help: "Compressed WebSocket messages, sent or received. What was compressed once for many in a room counts once.",
	}, []string{"direction"})
	bytes := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_compression_bytes_total", Help: "Bytes of those messages, plain and as they were on the wire (deflated).",
	}, []string{"direction", "form"})
	direction := func(name string) compressionCounters {
		return compressionCounters{messages.WithLabelValues(name), bytes.WithLabelValues(name, "plain"), bytes.WithLabelValues(name, "deflated")}
	}
	uncompressed := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_uncompressed_total",
		Help: "Messages sent as they are to clients that agreed on compression: small ones, those that came when all compressors were busy, and those that got no shorter (incompressible).",
	}, []string{"reason"})
	refused := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_inflate_refused_total",
		Help: "Compressed messages whose sessions ended by them: they were longer than -max-envelope (too_long), or malformed.",
	}, []string{"reason"})
	return &compressionMetrics{
		agreed: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_compression_agreed_total", Help: "WebSocket clients that compression was agreed on with.",
		}),
		sent: direction("sent"), received: direction("received"),
		small: uncompressed.WithLabelValues("small"), busy: uncompressed.WithLabelValues("busy"),
		incompressible: uncompressed.WithLabelValues("incompressible"),
		tooLong:        refused.WithLabelValues("too_long"), malformed: refused.WithLabelValues("malformed"),
	}
}
