package routing

import (
	"context"
	"time"

	"limegrove/routing/delivery"
)

// reviewEvery is how often a session looks through what it has passed and has heard
// nothing of, though nobody has come or gone.
const reviewEvery = 30 * time.Second

// reviewPatience is in how many of these reviews a message was found that another session
// has, and has not acknowledged, when it is given to the next: about two minutes.
const reviewPatience = 4

// reviewPause is how long a session rests after one, whatever changes meanwhile.
const reviewPause = time.Second

// reviewLocked has m look through what it has passed, for the view has changed. A review that
// is under way ends first, and there is another one then.
func (m *Member) reviewLocked() {
	f := &m.follows[byIdentity]
	switch {
	case m.state != active || !f.On():
	case f.Reviewing():
		m.sharingLocked().reviewAgain = true
		m.hubs().reader.read(m)
	case f.Passed() == 0 || m.shared().reviewAgain: // there is nothing, or it is waited for
	case time.Since(m.shared().reviewEnded) < reviewPause:
		m.reviewLater()
	default:
		m.beginReview(time.Now())
	}
}

// reviewLater is reviewLocked after the pause.
func (m *Member) reviewLater() {
	m.sharingLocked().reviewAgain = true
	time.AfterFunc(reviewPause, func() {
		m.hub.shard.mu.Lock()
		defer m.hub.shard.mu.Unlock()
		m.sharingLocked().reviewAgain = false
		m.reviewLocked()
	})
}

// beginReview begins one. What waits still is older then, if the last time that it was is
// long ago.
func (m *Member) beginReview(now time.Time) {
	s := m.sharingLocked()
	ages := !s.reviewed.IsZero() && now.Sub(s.reviewed) > reviewEvery
	if ages {
		s.reviewed = now
	}
	m.follows[byIdentity].Review(ages)
	m.hubs().reader.read(m)
}

// reviewOld begins one when the last time is long ago.
func (m *Member) reviewOld(now time.Time) {
	f := &m.follows[byIdentity]
	s := m.sharingLocked()
	switch {
	case s.reviewed.IsZero():
		s.reviewed = now
	case now.Sub(s.reviewed) > reviewEvery && f.On() && !f.Reviewing():
		m.beginReview(now)
	}
}

// review reads one page of what m has passed, and hands out what is for m by now. It
// tells whether there is more to read.
func (r *reader) review(ctx context.Context, t *turn, j *readerJob) (more bool) {
	m := j.member
	s, f := m.hub.shard, &m.follows[byIdentity]
	s.mu.Lock()
	room := maxWindow - m.window.Len()
	if !f.Reviewing() || m.starting.has(byIdentity) || m.state != active || m.settles() || room == 0 {
		s.mu.Unlock()
		return false // or whatever ends the present state will read on
	}
	plan := f.NextReview()
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	r.hubs.metrics.pages.Inc()
	j.asked = true
	var page delivery.Page
	if plan.Inbox {
		page, j.err = inboxPage(ctx, r.hubs.cfg.Streams, m.partition(), m.hub.key.Inbox(m.partition(), m.tokenOf(byIdentity)), plan.From, maxWindow)
	} else {
		page, j.err = logPage(ctx, r.hubs.cfg.Streams, m.partition(), m.hub.key.Log(m.partition(), m.tokenOf(byIdentity)), plan.From, maxWindow)
	}
	if j.err != nil {
		return false
	}

	s.mu.Lock()
	if m.state != active {
		s.mu.Unlock()
		return false
	}
	out, had, ok := f.Offer(plan, page)
	for _, msg := range had {
		t.had(m, byIdentity, msg)
	}
	more = true
	for _, msg := range out {
		if !t.handOut(m, byIdentity, msg) {
			ok, more = false, false // what stopped it will read on
			break
		}
	}
	if ok {
		f.Offered(plan, page)
		m.raiseLocked(byIdentity)
		if more = f.Reviewing(); !more {
			m.sharingLocked().reviewEnded = time.Now()
			if m.shared().reviewAgain {
				m.reviewLater()
			}
		}
	}
	written := t.end()
	s.mu.Unlock()
	flushAll(written)
	return more
}
