package workload

import (
	"context"
	"sync"
	"time"

	"limegrove/e2e/fault/history"
)

// visit is the time that a client spends in one session.
type visit struct {
	*client
	session *session
	readers *sync.WaitGroup

	began time.Time // or when it last asked for its presence
	mood  <-chan time.Time
	next  <-chan time.Time // to send; nil for those who never do
	wakes time.Time        // from a dream; zero while awake
	retry time.Time        // when what failed is due again; zero when nothing is
}

// attend spends the time of one session. It returns another one when that has replaced
// it, and nil when there is none.
func (c *client) attend(ctx context.Context, readers *sync.WaitGroup, s *session) *session {
	v := &visit{client: c, session: s, readers: readers, began: time.Now()}
	v.resend()
	if c.role.temper != steady && !c.settling() {
		v.mood = time.After(c.between(4*time.Second, 20*time.Second))
	}
	v.sendSoon()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			s.end(history.Left)
			return nil
		case <-s.gone:
			return nil
		case <-v.mood:
			if other, done := v.change(ctx); done {
				return other
			}
		case <-v.next:
			v.sendSoon()
			if v.wakes.IsZero() && !c.settling() {
				v.sendNew()
			}
		case <-s.again:
			if v.retry.IsZero() {
				v.retry = time.Now().Add(c.between(time.Second, 3*time.Second))
			}
		case now := <-ticker.C:
			if c.settling() {
				v.mood = nil
			}
			if v.upkeep(now) {
				return nil
			}
		}
	}
}

// change does what the client's temper is. It tells whether the session is over, and
// returns the one that has replaced it.
func (v *visit) change(ctx context.Context) (other *session, done bool) {
	s := v.session
	switch v.role.temper {
	case commuter, sleeper:
		v.leave(v.random.IntN(2) == 0)
		return nil, true
	case dreamer:
		s.stall()
		v.wakes = time.Now().Add(v.between(3*time.Second, 12*time.Second))
		v.mood = nil
	case mover:
		return v.move(ctx), true
	case steady:
	}
	return nil, false
}

// upkeep does what is due, and tells whether the session is over.
func (v *visit) upkeep(now time.Time) bool {
	s := v.session
	if !v.wakes.IsZero() {
		if now.Before(v.wakes) && !v.settling() {
			return false
		}
		return v.wake(now)
	}
	if since := v.out.waitsSince(); !since.IsZero() && now.Sub(since) > v.patience {
		s.end(history.Cut)
		return true
	}
	if !s.isThere() && now.Sub(v.began) > v.patience/2 {
		v.began = now
		s.askPresence()
	}
	if !v.retry.IsZero() && now.After(v.retry) {
		if v.role.hasty {
			s.end(history.Cut)
			return true
		}
		// Behind the last answer, so that the order is that in which they were sent.
		if v.out.waitsSince().IsZero() {
			v.resend()
			v.retry = time.Time{}
		}
	}
	return false
}

// wake ends a dream: half of the dreamers go on, the others never read from that
// connection again.
func (v *visit) wake(now time.Time) (over bool) {
	v.wakes = time.Time{}
	if v.random.IntN(2) == 0 {
		v.abandoned = append(v.abandoned, v.session.wire)
		v.session.end(history.Abandoned)
		return true
	}
	v.out.refresh(now)
	v.session.goOn()
	v.mood = time.After(v.between(4*time.Second, 20*time.Second))
	return false
}

func (s *session) isThere() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.there
}
