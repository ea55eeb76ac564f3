package routing

import (
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
	"limegrove/routing/delivery"
)

// passing is a session that has passed a message.
func passing() *Member {
	h := &Hubs{}
	h.reader = &reader{hubs: h, queues: newReaderQueues(1)}
	m := &Member{hub: &hub{shard: &shard{edge: h}}, state: active, presence: &lime.Presence{Status: lime.StatusAvailable}}
	f := &m.follows[byIdentity]
	f.Start(0)
	f.Pass(delivery.Message{Position: 7})
	return m
}

// reviewing tells whether there is a review, and whether there will be another one.
func (m *Member) reviewing() (now, again bool) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	return m.follows[byIdentity].Reviewing(), m.shared().reviewAgain
}

// reviewSoon is reviewLocked, so many times, with the lock.
func (m *Member) reviewSoon(times int) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	for range times {
		m.reviewLocked()
	}
}

func TestAReviewThatIsUnderWayGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := passing()
		f := &m.follows[byIdentity]
		m.reviewSoon(1)
		first := f.NextReview()
		m.reviewSoon(1000)
		if f.NextReview() != first {
			t.Error("it began anew")
		}
		if !m.shared().reviewAgain {
			t.Error("there will be no other one")
		}
	})
}

func TestReviewsOfASessionPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := passing()
		m.sharingLocked().reviewEnded = time.Now()
		m.reviewSoon(1000)
		if now, _ := m.reviewing(); now {
			t.Error("there is no pause")
		}
		time.Sleep(reviewPause)
		synctest.Wait()
		if now, again := m.reviewing(); !now || again {
			t.Error("there is none after the pause")
		}
	})
}

func TestWhatRoutingDoesNotLookAtStartsNoReview(t *testing.T) {
	for _, p := range presences() {
		if p == nil {
			continue
		}
		other := *p
		other.Message = "in a meeting"
		if other.Status == lime.StatusAvailable {
			other.Status = lime.StatusBusy
		}
		if rulingOf(p) != rulingOf(&other) {
			t.Errorf("%+v is another than %+v", *p, other)
		}
		other.Priority++
		if rulingOf(p) == rulingOf(&other) {
			t.Errorf("%+v is the same as %+v", *p, other)
		}
	}
	if rulingOf(&lime.Presence{Status: lime.StatusAvailable}) == rulingOf(&lime.Presence{Status: lime.StatusUnavailable}) {
		t.Error("who is away is there")
	}
}
