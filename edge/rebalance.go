package edge

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"limegrove/edge/poll"
	"limegrove/lime"
)

// rebalance finishes some sessions when other edges have fewer.
func (e *Edge) rebalance() {
	peers := e.cfg.Load().Peers
	if peers == nil || e.draining.Load() {
		e.balance = balance{}
		e.metrics.surplus.Set(0)
		return
	}
	before := e.balance
	var move int
	own, going, others := e.Sessions(), int(e.settling.Load()), peers.Loads()
	if e.evens.Swap(false) {
		e.balance = e.balance.even(time.Now(), own, going, others)
	}
	e.balance, move = e.balance.look(time.Now(), own, going, others)
	surplus := 0.0
	if e.balance.moving || e.balance.stuck {
		surplus = max(0, float64(own-going)-e.balance.mean)
	}
	e.metrics.surplus.Set(surplus)
	log := e.log.WithField("sessions", own).WithField("mean", int(e.balance.mean))
	switch tried := &e.balance.tried; {
	case tried.futile && !before.tried.futile:
		log.WithField("moved", tried.moved).Warn("rebalancing is given up until the edges, their mean or the surplus change: " +
			"those who are moved come back to this edge; does the balancer reach the others, and not stick to one?")
	case e.balance.moving != before.moving:
		log.WithField("moving", e.balance.moving).Info("rebalancing")
	}
	for _, s := range e.some(move) {
		withClient(s, (*conn).move) // one that is gone has moved
	}
}

// ErrNoRebalance is matched by the error of Rebalance.
var ErrNoRebalance = errors.New("no sessions are given away here")

// Rebalance has the edge give away what it has above the mean of all edges, from the next second on, until that is 2 %
// of the mean or two sessions, and returns how many those are by now: 0 when it is so already.
func (e *Edge) Rebalance() (surplus int, err error) {
	peers := e.cfg.Load().Peers
	switch {
	case peers == nil:
		return 0, fmt.Errorf("%w: rebalancing is off", ErrNoRebalance)
	case e.draining.Load():
		return 0, fmt.Errorf("%w: the edge drains", ErrNoRebalance)
	}
	e.evens.Store(true)
	next := balance{}.even(time.Now(), e.Sessions(), int(e.settling.Load()), peers.Loads())
	return int(next.tried.surplus), nil
}

// some returns up to n connections, at random.
func (e *Edge) some(n int) []*poll.Conn {
	if n <= 0 {
		return nil
	}
	all := e.loops.Conns()
	n = min(n, len(all))
	for i := range n {
		j := i + rand.N(len(all)-i)
		all[i], all[j] = all[j], all[i]
	}
	return all[:n]
}

// move has a session come back elsewhere.
func (c *conn) move() {
	if c.session.state == lime.StateEstablished && c.leaving == staying {
		c.depart(forOthers, moveTime)
	}
}
