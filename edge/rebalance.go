package edge

import (
	"time"

	"limegrove/lime"
)

// rebalance finishes some sessions when other edges have fewer.
func (e *Edge) rebalance() {
	if e.cfg.Peers == nil || e.draining.Load() {
		return
	}
	before := e.balance
	var move int
	own, going := e.Sessions(), int(e.settling.Load())
	e.balance, move = e.balance.look(time.Now(), own, going, e.cfg.Peers.Loads())
	surplus := 0.0
	if e.balance.moving || e.balance.stuck {
		surplus = max(0, float64(own-going)-e.balance.mean)
	}
	e.metrics.surplus.Set(surplus)
	log := e.log.WithField("sessions", own).WithField("mean", int(e.balance.mean))
	switch tried := &e.balance.tried; {
	case tried.futile && !before.tried.futile:
		log.WithField("moved", tried.moved).Warn("rebalancing is given up until the edges or their mean change: " +
			"those who are moved come back to this edge; does the balancer reach the others, and not stick to one?")
	case e.balance.moving != before.moving:
		log.WithField("moving", e.balance.moving).Info("rebalancing")
	}
	for _, c := range e.some(move) {
		// One that is gone has moved.
		_ = c.back(c.move)
	}
}

// some returns up to n connections, at random.
func (e *Edge) some(n int) []*conn {
	if n <= 0 {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	some := make([]*conn, 0, n)
	for c := range e.conns { // a map's order is random enough
		if some = append(some, c); len(some) == n {
			break
		}
	}
	return some
}

// move has a session come back elsewhere.
func (c *conn) move() {
	if c.session.state == lime.StateEstablished && c.leaving == staying {
		c.depart(forOthers, moveTime)
	}
}
