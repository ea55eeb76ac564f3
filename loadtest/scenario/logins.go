package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/client"
	"limegrove/loadtest/protocol"
	"limegrove/loadtest/tally"
)

// logins is pairs, and beside them the clients that do not talk, if there are any, which log in again, one after the other.
type logins struct {
	*pairs
	idle  []*client.Client // those who do not talk
	turns pace
	due   map[*client.Client]time.Duration // of those who are not back
	count Logins
}

// Logins is how clients have logged in while others talked.
type Logins struct {
	Begun int64 `json:"begun"`
	Back  int64 `json:"back"`
	// Delays are from when one was due to its session, before the disturbance and during it.
	Before    tally.Delays `json:"before"`
	Disturbed tally.Delays `json:"disturbed"`
}

func (l *Logins) add(o *Logins) *Logins {
	if l == nil || o == nil {
		return cmp.Or(l, o)
	}
	l.Begun += o.Begun
	l.Back += o.Back
	l.Before.Add(&o.Before)
	l.Disturbed.Add(&o.Disturbed)
	return l
}

func (l *Logins) err() error {
	if l.Back < l.Begun {
		return fmt.Errorf("of %d clients that logged in again %d have a session", l.Begun, l.Back)
	}
	return nil
}

// loginRate is how many log in a second, of all workers.
const loginRate = 50

func newLogins(p protocol.Protocol, l Load, s Share) (Scenario, error) {
	of, err := newPairs(p, l, s)
	if err != nil {
		return nil, err
	}
	return &logins{pairs: of.(*pairs), due: map[*client.Client]time.Duration{}}, nil
}

// Attach is that of Scenario.
func (l *logins) Attach(e *client.Engine) {
	l.pairs.Attach(e)
	talks := map[int32]bool{}
	for _, s := range l.streams {
		talks[s.from], talks[s.to] = true, true
	}
	for i := range e.Len() {
		if !talks[int32(i)] {
			l.idle = append(l.idle, e.At(i))
		}
	}
	if len(l.idle) > 0 {
		l.result.Logins = &l.count
	}
}

// Start is that of Scenario.
func (l *logins) Start(t *poll.Turn, c Course) {
	l.pairs.Start(t, c)
	l.turns = newPace(loginRate, 1/float64(l.share.Workers), c, l.share)
}

// Tick is that of Scenario.
func (l *logins) Tick(t *poll.Turn, now time.Duration) (next time.Duration) {
	for n, due := range l.turns.due(now) {
		if len(l.idle) == 0 {
			break
		}
		if c := l.idle[n%len(l.idle)]; c.InSession() {
			l.count.Begun++
			l.due[c] = due
			c.Close(errCut)
		}
	}
	return min(l.pairs.Tick(t, now), l.turns.after(now))
}

// Gone is that of client.Handler.
func (l *logins) Gone(t *poll.Turn, c *client.Client, err error) {
	if !errors.Is(err, errCut) {
		l.pairs.Gone(t, c, err)
		return
	}
	l.engine.Opening.Reopen(c, 0)
}

// Ready is that of client.Handler.
func (l *logins) Ready(_ *poll.Turn, c *client.Client) {
	due, ok := l.due[c]
	if !ok {
		return
	}
	delete(l.due, c)
	l.count.Back++
	switch took := l.engine.Now() - due; {
	case !l.course.measures(due):
	case l.course.disturbs(due):
		l.count.Disturbed.Note(took)
	default:
		l.count.Before.Note(took)
	}
}

// Done is that of Scenario.
func (l *logins) Done(now time.Duration) bool {
	return l.pairs.Done(now) && (len(l.due) == 0 || now > l.course.End+returnTime)
}
