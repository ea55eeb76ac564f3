package edge

import (
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/lime"
)

// stage is how far a connection's session is, as it is counted; the label state of
// limegrove_edge_session_states.
type stage uint8

const (
	stageOpening        stage = iota // it is upgraded, or about to
	stageNegotiating                 // there is nothing of a session yet, or its encryption is settled
	stageAuthenticating              // its client is asked who it is, or it is registered
	stageEstablished
	stageSettling // established, and told to go
	stageClosing  // ended: the last of it is on its way
)

var stages = [...]string{"opening", "negotiating", "authenticating", "established", "settling", "closing"}

// stageGauges count the connections in each.
type stageGauges [len(stages)]prometheus.Gauge

// gauges are those of a dialect, or of LIME.
func gauges(v *prometheus.GaugeVec, dialect string) (g stageGauges) {
	for s, name := range stages {
		g[s] = v.WithLabelValues(dialect, name)
	}
	return g
}

// tallied is as what a connection is counted: its stage, and isCounted.
type tallied uint8

// isCounted says that it is one of the established sessions, from when it is established until it is gone.
const isCounted tallied = 1 << 7

func (s tallied) stage() stage  { return stage(s &^ isCounted) }
func (s tallied) counted() bool { return s&isCounted != 0 }

// show counts the connection as what it is by now. It is for its loop.
func (c *conn) show() {
	was, is := c.shown.stage(), c.stage()
	if was == is {
		return
	}
	g := c.gauges()
	g[was].Dec()
	g[is].Inc()
	c.shown = c.shown&isCounted | tallied(is)
}

// unshow counts a connection no more, which is gone.
func (c *conn) unshow() { c.gauges()[c.shown.stage()].Dec() }

func (c *conn) gauges() *stageGauges {
	if c.speaks() != nil {
		return &c.speaks().counts.stages
	}
	return &c.edge.metrics.lime
}

func (c *conn) stage() stage {
	switch {
	case c.phase == closing:
		return stageClosing
	case c.phase == handshaking:
		return stageOpening
	case c.leaving != staying:
		return stageSettling
	}
	switch c.session.state {
	case lime.StateEstablished:
		return stageEstablished
	case lime.StateAuthenticating:
		return stageAuthenticating
	case lime.StateNew, lime.StateNegotiating:
		return stageNegotiating
	default: // none yet, for the last frame of what has ended is queued when its phase is closing
		return stageNegotiating
	}
}
