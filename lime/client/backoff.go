package client

import (
	"math/rand/v2"
	"time"
)

// Backoff is the pauses between rounds of tries. In a round every server is tried once,
// one after the other at once; the first round begins within First of the loss, so that
// the clients of a server that has died do not all come at once.
type Backoff struct {
	First time.Duration // Default 100ms.
	Last  time.Duration // Each pause is up to twice the one before, up to this. Default 10s.

	// Tries is how many rounds may fail in a row until the client ends. Default 0, which is no
	// bound; a negative one has no round at all.
	Tries int
}

func (b Backoff) withDefaults() Backoff {
	setDefault(&b.First, 100*time.Millisecond)
	setDefault(&b.Last, 10*time.Second)
	b.First = max(b.First, 0)
	b.Last = max(b.Last, b.First)
	return b
}

// pause draws the pause before a round, the first being 0.
func (b Backoff) pause(round int) time.Duration {
	if round == 0 {
		return jitter(0, b.First)
	}
	d := b.Last
	if round < 30 {
		d = min(b.First<<round, b.Last)
	}
	return jitter(d/2, d)
}

// exhausted tells whether no round is left after so many.
func (b Backoff) exhausted(rounds int) bool { return b.Tries != 0 && rounds >= b.Tries }

// jitter draws a time of at least one and less than the other, unless they are equal.
func jitter(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + rand.N(most-least)
}
