package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// question is what all members are asked. Names may be added.
type question struct {
	From    string `json:"from"`              // who asks, and does not answer itself
	Top     int    `json:"top,omitempty"`     // so many of the busiest and slowest sessions
	History bool   `json:"history,omitempty"` // what was before, too
	Queues  bool   `json:"queues,omitempty"`  // what waits, and what was dropped since the member began
}

// order is what one member is asked to do.
type order struct {
	Do     Deed   `json:"do"`
	By     string `json:"by"`               // the incarnation that was asked
	Remote string `json:"remote,omitempty"` // who has asked it

	Level string  `json:"level,omitempty"` // of the log; "" for that of the configuration
	For   float64 `json:"for,omitempty"`   // seconds; 0 for no bound
}

// Deed is something that can be done on the page.
type Deed string

// The deeds.
const (
	Drain     Deed = "drain"
	Rebalance Deed = "rebalance"
	LogLevel  Deed = "log-level"
)

// done is what comes of an order.
type done struct {
	Error   string `json:"error,omitempty"`
	Surplus int    `json:"surplus,omitempty"` // of a rebalance: sessions that are given away
}

// Subjects are where members meet.
type Subjects struct {
	// Ask is that of all, Order that of one.
	Ask   string
	Order func(incarnation string) string
}

// maxAsked bounds what waits to be answered, and maxOrdered what waits to be done.
const maxAsked, maxOrdered = 64, 16

// Answer answers for this member, until ctx is done: what it is asked of itself, and what it is to do. Deeds are done by do, and
// wait for no question: those may take a while where loops are busy.
func (r *Reporter) Answer(ctx context.Context, nc *nats.Conn, at Subjects, do func(context.Context, order) done) error {
	questions, orders := make(chan *nats.Msg, maxAsked), make(chan *nats.Msg, maxOrdered) // the client library counts what does not fit
	var subscriptions []*nats.Subscription
	defer func() {
		for _, s := range subscriptions {
			_ = s.Unsubscribe() // the connection may be closed
		}
	}()
	for subject, to := range map[string]chan *nats.Msg{at.Ask: questions, at.Order(r.cfg.Incarnation): orders} {
		s, err := nc.ChanSubscribe(subject, to)
		if err != nil {
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		subscriptions = append(subscriptions, s)
	}
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() { each(ctx, orders, func(o order) (any, bool) { return do(ctx, o), true }) })
	each(ctx, questions, func(q question) (any, bool) {
		if q.From == r.cfg.Incarnation {
			return nil, false
		}
		q.Top = min(q.Top, mostTop)
		return r.Report(ctx, q), true
	})
	return nil
}

// each answers what comes, until ctx is done. What is no T is left out, and so is what answer wants to be.
func each[T any](ctx context.Context, from <-chan *nats.Msg, answer func(T) (any, bool)) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-from:
			var asked T
			if json.Unmarshal(m.Data, &asked) != nil {
				continue
			}
			what, ok := answer(asked)
			if !ok {
				continue
			}
			if b, err := json.Marshal(what); err == nil {
				_ = m.Respond(b) // who asks sees that there is no answer
			}
		}
	}
}

// orderTime is how long a member has to answer an order.
const orderTime = 3 * time.Second

// tell has another member do something.
func tell(ctx context.Context, nc *nats.Conn, subject string, o order) done {
	b, err := json.Marshal(o)
	if err != nil {
		return done{Error: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, orderTime)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, subject, b)
	var d done
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return done{Error: "nobody answers there: it is gone, or of an older version"}
	case errors.Is(err, context.DeadlineExceeded):
		return done{Error: "it has not answered in time, and may have done it or not"}
	case err == nil:
		err = json.Unmarshal(m.Data, &d)
	}
	if err != nil {
		return done{Error: err.Error()}
	}
	return d
}
