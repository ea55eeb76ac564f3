package routing

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"limegrove/presence"
	"limegrove/routing/subject"
)

// maxAnnounced bounds the identities of which routers were told and have not answered. A
// router answers within a second when it has time; without any router they add up.
const maxAnnounced = 1 << 17

// announcePatience is after what time without an answer routers are told again. It
// doubles with each time up to announcePatienceMax.
const (
	announcePatience    = 10 * time.Second
	announcePatienceMax = 80 * time.Second
)

// announcer tells routers that what others see of an identity may have changed. Of each
// identity one event is under way at a time; what happens meanwhile is one more, so that
// who flaps costs little. An event is told again until a router says that it is done.
type announcer struct {
	hubs   *Hubs
	prefix string // of the subjects of answers

	mu      sync.Mutex
	last    uint64 // the last sequence
	waiting map[subject.Key]*announcement
}

// announcement is what routers are told of one identity.
type announcement struct {
	sequence uint64
	event    PresenceEvent
	more     *PresenceEvent // that has come since; nil for none
	due      time.Time      // to be told again
	patience time.Duration
}

func newAnnouncer(h *Hubs) *announcer {
	a := &announcer{hubs: h, prefix: subject.ToldPrefix(h.cfg.Edge), waiting: map[subject.Key]*announcement{}}
	promauto.With(h.cfg.Metrics).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_routing_presence_pending", Help: "Identities whose presence has changed here, and of which no router has said that others were told.",
	}, func() float64 { return float64(a.pending()) })
	return a
}

// registered is told that Redis has taken a registration of m.
func (a *announcer) registered(m *Member, r *presence.Registration) {
	if e, tell := m.noticed(r); tell {
		a.note(m.hub.key, e)
	}
}

// gone is told that Redis has no registration of m any more.
func (a *announcer) gone(m *Member) {
	m.hub.shard.mu.Lock()
	e, tell := m.unnoticedLocked()
	m.hub.shard.mu.Unlock()
	if tell {
		a.note(m.hub.key, e)
	}
}

// note has routers told of an event. It publishes, and so may block while the broker does
// not read; no shard is locked.
func (a *announcer) note(k subject.Key, e PresenceEvent) {
	a.mu.Lock()
	one := a.waiting[k]
	switch {
	case one == nil && len(a.waiting) == maxAnnounced:
		a.mu.Unlock()
		a.hubs.metrics.drop(dropPresence)
		return
	case one == nil:
		one = &announcement{event: e, patience: announcePatience}
		a.waiting[k] = one
	case one.more == nil:
		one.more = &e
		a.mu.Unlock()
		return
	default:
		one.more.add(e)
		a.mu.Unlock()
		return
	}
	reply, event := a.nextLocked(k, one), one.event
	a.mu.Unlock()
	a.publish(k, reply, event)
}

// nextLocked gives an event another sequence, with which it is told now.
func (a *announcer) nextLocked(k subject.Key, one *announcement) (reply string) {
	a.last++
	one.sequence, one.due = a.last, time.Now().Add(one.patience)
	return string(subject.AppendTold(nil, a.prefix, one.sequence, k))
}

// publish tells. What fails is told again like what is not answered.
func (a *announcer) publish(k subject.Key, reply string, e PresenceEvent) {
	data, err := json.Marshal(e)
	if err == nil {
		err = a.hubs.cfg.NATS.PublishRequest(k.Presence(), reply, data)
	}
	if err != nil {
		a.hubs.metrics.drop(dropBroker)
	}
}

// answered takes the answer of a router. No router is no answer.
func (a *announcer) answered(sequence uint64, k subject.Key, msg *nats.Msg) {
	if msg.Header.Get("Status") == "503" {
		return
	}
	a.mu.Lock()
	one := a.waiting[k]
	if one == nil || one.sequence != sequence {
		a.mu.Unlock()
		return
	}
	if one.more == nil {
		delete(a.waiting, k)
		a.mu.Unlock()
		return
	}
	one.event, one.more, one.patience = *one.more, nil, announcePatience
	reply, event := a.nextLocked(k, one), one.event
	a.mu.Unlock()
	a.publish(k, reply, event)
}

// run tells again what is not answered, until ctx is done.
func (a *announcer) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			a.again(time.Now())
		}
	}
}

// again tells what is due.
func (a *announcer) again(now time.Time) {
	type due struct {
		key   subject.Key
		reply string
		event PresenceEvent
	}
	var all []due
	a.mu.Lock()
	for k, one := range a.waiting {
		if now.Before(one.due) {
			continue
		}
		one.event.Doubt = true
		if one.more != nil {
			one.event.add(*one.more)
			one.more = nil
		}
		one.patience = min(2*one.patience, announcePatienceMax)
		all = append(all, due{k, a.nextLocked(k, one), one.event})
	}
	a.mu.Unlock()
	for _, d := range all {
		a.publish(d.key, d.reply, d.event)
	}
}

// pending is of how many identities routers have not answered.
func (a *announcer) pending() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting)
}
