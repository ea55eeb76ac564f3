package main

import (
	"errors"
	"fmt"

	"limegrove/loadtest/tally"
)

// benchResult is what a bench has measured. Times are in milliseconds.
type benchResult struct {
	Servers []string `json:"servers"`
	Pairs   int      `json:"pairs"`
	Kind    string   `json:"kind"` // transient or stored
	Loop    string   `json:"loop"`
	Size    int      `json:"size"`
	Seconds float64  `json:"seconds"` // for which it sent

	Sent      uint64  `json:"sent"`
	Received  uint64  `json:"received"` // each once
	Lost      uint64  `json:"lost"`     // neither received nor refused
	Twice     uint64  `json:"twice"`
	Reordered uint64  `json:"reordered"`
	Refused   uint64  `json:"refused"`
	Rate      float64 `json:"receivedPerSecond"`

	Arrived  benchDelays  `json:"arrived"`            // at the recipient
	Accepted *benchDelays `json:"accepted,omitempty"` // by the server, of stored ones

	Broken int    `json:"broken,omitempty"` // pairs that have lost a session
	Why    string `json:"why,omitempty"`    // the first thing that went wrong
}

// benchDelays are the shares of delays, in milliseconds.
type benchDelays struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

func delaysOf(d *tally.Delays) benchDelays {
	at := func(share float64) float64 { return float64(d.At(share).Microseconds()) / 1000 }
	return benchDelays{Count: d.Count(), P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: at(1)}
}

// result is what the pairs have, and how many of them have lost a session.
func (b *bench) result() benchResult {
	r := b.added()
	for _, one := range b.pairs {
		if one.from.Err() != nil || one.to.Err() != nil {
			r.Broken++
		}
	}
	return r
}

// added adds up what the pairs have counted.
func (b *bench) added() benchResult {
	r := benchResult{Servers: b.servers, Pairs: len(b.pairs), Kind: b.kind(), Loop: b.loop(), Size: b.size, Seconds: b.took.Seconds()}
	var arrived, accepted tally.Delays
	for _, one := range b.pairs {
		one.mu.Lock()
		sent, refused := uint64(one.sent.Load()), uint64(one.refused.Load())
		r.Sent += sent
		r.Received += uint64(one.received)
		r.Refused += refused
		r.Lost += sent - min(sent, uint64(one.received)+refused)
		r.Twice += uint64(one.twice)
		r.Reordered += uint64(one.late)
		arrived.Add(&one.arrived)
		accepted.Add(&one.accepted)
		if one.why != nil && r.Why == "" {
			r.Why = one.why.Error()
		}
		one.mu.Unlock()
	}
	if b.took > 0 {
		r.Rate = float64(r.Received) / b.took.Seconds()
	}
	r.Arrived = delaysOf(&arrived)
	if b.stored {
		of := delaysOf(&accepted)
		r.Accepted = &of
	}
	return r
}

type namedDelays struct {
	name string
	of   benchDelays
}

// delays are the rows of the table.
func (r *benchResult) delays() []namedDelays {
	all := []namedDelays{{"arrived", r.Arrived}}
	if r.Accepted != nil {
		all = append(all, namedDelays{"accepted", *r.Accepted})
	}
	return all
}

// wrong is what should not have been; nil when all was well.
func (r *benchResult) wrong() error {
	var all []error
	if r.Broken > 0 {
		all = append(all, fmt.Errorf("%d of %d pairs have lost a session", r.Broken, r.Pairs))
	}
	if r.Kind == "stored" {
		for what, n := range map[string]uint64{"lost": r.Lost, "twice": r.Twice} {
			if n > 0 {
				all = append(all, fmt.Errorf("%d stored messages %s", n, what))
			}
		}
	}
	if r.Reordered > 0 {
		all = append(all, fmt.Errorf("%d messages out of order", r.Reordered))
	}
	if r.Refused > 0 {
		all = append(all, fmt.Errorf("%d messages refused: %s", r.Refused, r.Why))
	} else if len(all) > 0 && r.Why != "" {
		all = append(all, errors.New(r.Why))
	}
	return errors.Join(all...)
}
