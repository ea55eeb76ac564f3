package edge

import (
	"errors"
	"net/netip"
	"time"

	"limegrove/edge/poll"
)

// deferral is a connection that comes faster than its address may connect. Until its turn nothing is read from it and
// no hands are shaken, and it is nothing but its socket, with room for its session, this, and an entry in a timing wheel.
type deferral struct {
	edge  *Edge
	conn  *conn // that was made with its socket, and is nothing yet
	over  transport
	hasNo bool // turn soon enough: it is told so after the same time as others have waited
	told  bool

	counted bool // with its address
}

// maxDeferred bounds those that wait for their turn. They count as connections, too, and have no more than a half of
// what these may still be, lest nobody else can come. A quarter of their places is for those that have a turn. The others
// are told late that they have none, and it is good to have places for as many as come: who is cut comes again at once, and
// costs more than one that waits.
const maxDeferred = 8192

// maxDeferredOf bounds those of one source: a half of the places that there can be.
func maxDeferredOf(maxSessions int) int {
	most := maxDeferred
	if maxSessions > 0 {
		most = min(most, maxSessions/2)
	}
	return max(1, most/2)
}

// refusalTime bounds how long one that has no turn may take to hear so.
const refusalTime = time.Second

// mayDefer takes a place for one more that waits, if there is one.
func (e *Edge) mayDefer(from netip.Addr, hasTurn bool) bool {
	most := int64(maxDeferred)
	if e.cfg.Load().MaxSessions > 0 {
		most = min(most, (int64(e.cfg.Load().MaxSessions)-e.admitted.Load())/2)
	}
	if !hasTurn {
		most -= most / 4
	}
	if _, ok := e.waiting.add(sourceOf(from)); !ok {
		return false
	}
	if e.deferred.Add(1) > most {
		e.deferred.Add(-1)
		e.waiting.remove(sourceOf(from))
		return false
	}
	e.metrics.deferred.Inc()
	return true
}

// defers is the poll.Opener of a connection that waits, for its turn or to be told that it has none.
func (e *Edge) defers(over transport, wait time.Duration, hasTurn, counted bool) poll.Opener {
	return func(t *poll.Turn, s *poll.Conn) poll.Handler {
		s.PauseRead()
		s.SetDeadline(t.Now.Add(wait))
		return &deferral{edge: e, conn: s.Handler().(*conn), over: over, hasNo: !hasTurn, counted: counted}
	}
}

// Timer serves it, or tells it that it is not. poll.Handler.
func (d *deferral) Timer(t *poll.Turn) {
	if !d.hasNo {
		d.undefer()
		d.conn.socket.Hand(d.edge.open(t, d.conn, d.over, d.counted))
		d.conn.socket.ResumeRead()
		return
	}
	d.told = true
	answer := d.edge.refuse(d.over, rejectAddressRate)
	if isTLS(d.conn.socket.NetConn()) { // hands would have to be shaken first
		d.conn.socket.Close(errNoTurn)
		return
	}
	// The queue is empty, so there is room.
	_ = t.Batch.Append(&d.conn.socket, answer, nil)
	d.conn.socket.CloseAfterFlush(refusalTime)
}

var errNoTurn = errors.New("too many connections of this address have come before")

// Data is not called: it is not read from. poll.Handler.
func (d *deferral) Data(_ *poll.Turn, b []byte) (n, need int) { return len(b), 0 }

// Drained is that of poll.Handler.
func (d *deferral) Drained(*poll.Turn) {}

// Closed is told that it is gone, perhaps before its turn. poll.Handler.
func (d *deferral) Closed(*poll.Turn, error) {
	if !d.told {
		d.edge.metrics.rejected(rejectLeft)
	}
	d.undefer()
	d.edge.admitted.Add(-1)
	if d.counted {
		d.edge.addresses.remove(d.conn.socket.RemoteAddr().Addr())
	}
}

// undefer gives the place of one back that waits no more.
func (d *deferral) undefer() {
	d.edge.deferred.Add(-1)
	d.edge.waiting.remove(sourceOf(d.conn.socket.RemoteAddr().Addr()))
	d.edge.metrics.deferred.Dec()
}

var _ poll.Handler = (*deferral)(nil)
