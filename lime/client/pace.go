package client

import "time"

// pace keeps what a session sends below what its server allows, in envelopes and in
// bytes: two buckets, each of which fills at its rate and holds what it gets in a second.
// A rate of 0 is no bound.
type pace struct {
	envelopes, bytes bucket
}

type bucket struct {
	rate int
	debt time.Duration // how long it takes to be full again
	last time.Time     // as of when
}

// frameCost is what an envelope counts for beside its bytes.
const frameCost = 32

func newPace(cfg *Config) pace {
	return pace{bucket{rate: max(cfg.Rate, 0)}, bucket{rate: max(cfg.ByteRate, 0)}}
}

// wait returns for how long an envelope must not be sent yet; 0 when it may be.
func (p *pace) wait(now time.Time) time.Duration {
	return max(p.envelopes.wait(now), p.bytes.wait(now))
}

// spend notes that an envelope is sent, whether it had to wait or not.
func (p *pace) spend(now time.Time, size int) {
	p.envelopes.spend(now, 1)
	p.bytes.spend(now, size+frameCost)
}

// wait: a bucket may be overdrawn by one envelope, which may be larger than it is.
func (b *bucket) wait(now time.Time) time.Duration {
	debt := b.debtAt(now)
	if debt < time.Second {
		return 0
	}
	return debt - time.Second + 1
}

func (b *bucket) debtAt(now time.Time) time.Duration {
	passed := now.Sub(b.last) // which is for ever at first
	if passed >= b.debt {
		return 0
	}
	return b.debt - passed
}

func (b *bucket) spend(now time.Time, n int) {
	if b.rate == 0 {
		return
	}
	b.debt = b.debtAt(now) + time.Duration(n)*time.Second/time.Duration(b.rate)
	b.last = now
}
