package load

import (
	"context"
	"fmt"
	"time"
)

// What the last messages may take after they were sent, and what they may when somebody
// wants the run to end.
const (
	settleTime = 30 * time.Second
	hurryTime  = 2 * time.Second
)

// Verdict is what was wrong with messages, by number.
type Verdict struct {
	Sent, Accepted, Delivered, Dispatched, Received int64
	Lost, Twice, Disordered                         int64
	Faults                                          int
	Fault                                           string // the first one
	Held                                            bool   // the rate was held: delays did not grow
}

// Err says what was wrong, but for the time that it took.
func (v *Verdict) Err() error {
	if v.Lost == 0 && v.Twice == 0 && v.Disordered == 0 && v.Faults == 0 && v.Accepted == v.Sent {
		return nil
	}
	return fmt.Errorf("of %d messages %d were accepted, %d lost, %d came twice, %d out of order; %d faults: %s",
		v.Sent, v.Accepted, v.Lost, v.Twice, v.Disordered, v.Faults, v.Fault)
}

// settle waits until all that was sent is accepted, delivered and dispatched, or nothing
// more happens. When ctx is done it does not wait for long.
func (t *tally) settle(ctx context.Context) {
	late, look := time.NewTimer(settleTime), time.NewTicker(50*time.Millisecond)
	defer late.Stop()
	defer look.Stop()
	hurried := ctx.Done()
	for {
		n := t.sent.Load()
		if t.accepted.total.Load() >= n && t.delivered.total.Load() >= n && t.dispatched.total.Load() >= n {
			wait(ctx, 200*time.Millisecond) // for what comes twice
			return
		}
		select {
		case <-late.C:
			return
		case <-hurried:
			hurried = nil
			late.Reset(hurryTime)
		case <-look.C:
		}
	}
}

// verdict judges what was sent.
func (t *tally) verdict() Verdict {
	v := Verdict{
		Sent: t.sent.Load(), Accepted: t.accepted.total.Load(), Delivered: t.delivered.total.Load(),
		Dispatched: t.dispatched.total.Load(), Received: t.received.total.Load(),
		Twice: t.delivered.twice.Load(), Disordered: t.disordered.Load(),
	}
	v.Lost = v.Sent - v.Delivered
	v.Faults, v.Fault = t.trouble()
	return v
}

// wait waits for a time, or for the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
