package scenario

import (
	"iter"
	"strconv"
	"time"

	"limegrove/loadtest/client"
)

// pace is when the messages of a worker are due: in turns with those of the others, so that the
// whole has an even rate.
type pace struct {
	first    time.Duration // when message 0 is due
	interval float64       // between two, in ns; 0 for a closed loop
	end      time.Duration
	next     int // the first that was not due yet
}

// newPace is that of a worker with a share, from 0 to 1, of all that sends so many messages a second.
func newPace(rate, share float64, c Course, s Share) pace {
	p := pace{first: c.Start, end: c.End}
	if rate*share > 0 {
		p.interval = float64(time.Second) / (rate * share)
		p.first += time.Duration(p.interval * float64(s.Worker) / float64(s.Workers))
	}
	return p
}

// at is when message n is due.
func (p *pace) at(n int) time.Duration { return p.first + time.Duration(float64(n)*p.interval) }

// due yields the messages that have become due, and when each was.
func (p *pace) due(now time.Duration) iter.Seq2[int, time.Duration] {
	return func(yield func(int, time.Duration) bool) {
		for p.interval > 0 {
			n, at := p.next, p.at(p.next)
			if at > now || at >= p.end {
				return
			}
			p.next++
			if !yield(n, at) {
				return
			}
		}
	}
}

// Ticks are not closer than shortestTick: what becomes due before the next one leaves that much too
// late at most, together. They are not rarer than longestTick.
const (
	shortestTick = 100 * time.Microsecond
	longestTick  = 10 * time.Millisecond
)

// after is when to tick next: when the next message is due, within these bounds.
func (p *pace) after(now time.Duration) time.Duration {
	next := now + longestTick
	if p.interval > 0 {
		next = min(next, p.at(p.next))
	}
	return max(next, now+shortestTick)
}

func name(c *client.Client) string { return strconv.Itoa(c.Number()) }
