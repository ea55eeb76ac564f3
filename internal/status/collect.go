package status

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	leastInterval = time.Second
	// answersPerSecond bounds what a watched member hears of the others.
	answersPerSecond = 100
	// mostTop bounds the sessions of each list that one member tells of, and listed those on the page.
	mostTop, listed = 10, 10
	// toldMost bounds the sessions that all tell of together.
	toldMost = 400
	// silentAfter is how many intervals a member may be silent.
	silentAfter = 5
	// goneTime is for how long a member is shown that has left or died.
	goneTime = 2 * time.Minute
	// maxAnswers bounds the answers that wait to be read.
	maxAnswers = 4096
)

// interval is the time between two questions to so many members.
func interval(members int) time.Duration {
	return max(leastInterval, time.Duration(members)*time.Second/answersPerSecond).Round(time.Second)
}

// Health is how a member seems to be.
type Health string

// The healths.
const (
	Healthy    Health = "healthy"
	Overloaded Health = "overloaded" // it refuses new clients
	Draining   Health = "draining"
	Silent     Health = "silent" // gossip says that it lives, and it has not answered for a while, or is of an older version
	Asked      Health = "asked"  // it is yet to answer for the first time
	Gone       Health = "gone"   // gossip knows it no more
)

// Shown is a member as the page has it.
type Shown struct {
	Member
	Health Health  `json:"health"`
	Report *Report `json:"report,omitempty"` // what it told last
	Age    float64 `json:"age,omitempty"`    // of that, or since when it is gone; seconds
}

// Snapshot is what watchers get.
type Snapshot struct {
	At       int64     `json:"at"` // milliseconds since 1970
	Self     string    `json:"self"`
	Interval float64   `json:"interval"` // seconds until the next one
	Token    bool      `json:"token"`    // there is one, so that things can be done
	Named    bool      `json:"named"`    // addresses are whole
	Members  []Shown   `json:"members"`
	Busiest  []Session `json:"busiest"`
	Slowest  []Session `json:"slowest"`
}

// collector is what is known while somebody watches. It is Run's alone.
type collector struct {
	page    *Page
	answers chan *nats.Msg
	inbox   string

	told    map[string]heard     // by incarnation
	since   map[string]time.Time // when a member was seen first
	gone    map[string]Shown
	left    map[string]time.Time
	history map[int64]*Sample
}

// heard is the last report of a member.
type heard struct {
	report Report
	at     time.Time
}

// collect collects until nobody watches any more, or ctx is done.
func (p *Page) collect(ctx context.Context) {
	c := &collector{
		page: p, answers: make(chan *nats.Msg, maxAnswers), inbox: p.cfg.NATS.NewInbox(),
		told: map[string]heard{}, since: map[string]time.Time{}, gone: map[string]Shown{}, left: map[string]time.Time{}, history: map[int64]*Sample{},
	}
	if s, err := p.cfg.NATS.ChanSubscribe(c.inbox, c.answers); err == nil {
		defer func() { _ = s.Unsubscribe() }() // the connection may be closed
	}
	first := true
	for p.watched() {
		members := p.cfg.Members()
		next := interval(len(members))
		c.ask(ctx, len(members), first)
		late := time.NewTimer(next)
		// The first time a little later, when those who are near have answered.
		soon := time.NewTimer(min(next, 250*time.Millisecond))
		for waits := true; waits; {
			select {
			case <-ctx.Done():
				late.Stop()
				soon.Stop()
				return
			case m := <-c.answers:
				c.hear(m.Data)
			case <-soon.C:
				p.publish(c.snapshot(time.Now(), next), c.past())
			case <-late.C:
				waits = false
			}
		}
		soon.Stop()
		first = false
	}
}

// ask asks all members, and this one at once.
func (c *collector) ask(ctx context.Context, members int, first bool) {
	q := question{
		From: c.page.cfg.Reporter.cfg.Incarnation, History: first,
		Top: min(mostTop, max(1, toldMost/max(1, 2*members))),
	}
	if b, err := json.Marshal(q); err == nil {
		_ = c.page.cfg.NATS.PublishRequest(c.page.cfg.Subjects.Ask, c.inbox, b) // without the broker nobody is heard, and is seen to be silent
	}
	c.note(c.page.cfg.Reporter.Report(ctx, q))
}

// hear takes an answer.
func (c *collector) hear(b []byte) {
	var r Report
	if json.Unmarshal(b, &r) == nil && r.Incarnation != "" {
		c.note(r)
	}
}

func (c *collector) note(r Report) {
	for _, s := range r.History {
		c.sum(s)
	}
	r.History = nil
	c.told[r.Incarnation] = heard{r, time.Now()}
}

// sum adds a sample of a member to those of the cluster.
func (c *collector) sum(s Sample) {
	if all := c.history[s.At]; all != nil {
		all.add(s)
		return
	}
	if len(c.history) < 2*samples { // clocks differ, and answers may be anything
		c.history[s.At] = &s
	}
}

// past is the history of the cluster, the oldest first.
func (c *collector) past() []Sample {
	all := make([]Sample, 0, len(c.history))
	for _, at := range slices.Sorted(maps.Keys(c.history)) {
		all = append(all, *c.history[at])
	}
	return all[max(0, len(all)-samples):]
}

// Snapshot is what is known by now.
func (c *collector) snapshot(now time.Time, next time.Duration) Snapshot {
	s := Snapshot{
		At: now.UnixMilli(), Self: c.page.cfg.Reporter.cfg.Incarnation, Interval: next.Seconds(),
		Busiest: []Session{}, Slowest: []Session{},
	}
	seen := map[string]bool{}
	total := Sample{At: now.Truncate(sampleSpan).Unix()}
	for _, m := range c.page.cfg.Members() {
		seen[m.Incarnation] = true
		one := c.shown(m, now, next)
		if one.Report != nil && one.Health != Silent {
			last := c.told[m.Incarnation].report
			s.Busiest, s.Slowest = append(s.Busiest, last.Busiest...), append(s.Slowest, last.Slowest...)
			total.add(sampleOf(&last))
		} else if m.Role == Edge {
			total.Sessions += m.Sessions
		}
		s.Members = append(s.Members, one)
		c.gone[m.Incarnation] = one
	}
	s.Members = append(s.Members, c.lost(seen, now)...)
	c.history[total.At] = &total
	delete(c.history, total.At-int64(2*samples*sampleSpan/time.Second))
	slices.SortFunc(s.Busiest, func(a, b Session) int { return cmp.Compare(b.weight(), a.weight()) })
	slices.SortFunc(s.Slowest, func(a, b Session) int { return cmp.Compare(b.Queued, a.Queued) })
	s.Busiest, s.Slowest = s.Busiest[:min(listed, len(s.Busiest))], s.Slowest[:min(listed, len(s.Slowest))]
	return s
}

func sampleOf(r *Report) Sample {
	s := Sample{Sessions: r.Sessions, Received: r.Received.Envelopes, Sent: r.Sent.Envelopes, Busy: r.Busy}
	for _, n := range r.Dropped {
		s.Dropped += n
	}
	return s
}

// Shown is a member that gossip knows, with what it told.
func (c *collector) shown(m Member, now time.Time, next time.Duration) Shown {
	if _, known := c.since[m.Incarnation]; !known {
		c.since[m.Incarnation] = now
	}
	one := Shown{Member: m, Health: Healthy}
	last, ok := c.told[m.Incarnation]
	since := c.since[m.Incarnation]
	if ok {
		report := last.report
		report.Busiest, report.Slowest = nil, nil // they are in lists of their own
		since, one.Report, one.Age = last.at, &report, now.Sub(last.at).Seconds()
		one.Sessions = report.Sessions
	}
	switch late := now.Sub(since) > silentAfter*next; {
	case m.Draining || ok && last.report.Draining:
		one.Health = Draining
	case late:
		one.Health = Silent
	case !ok:
		one.Health = Asked
	case last.report.Overloaded:
		one.Health = Overloaded
	}
	return one
}

// lost are those who were there, and are not any more.
func (c *collector) lost(seen map[string]bool, now time.Time) (all []Shown) {
	for incarnation, one := range c.gone {
		if seen[incarnation] {
			delete(c.left, incarnation)
			continue
		}
		if _, known := c.left[incarnation]; !known {
			c.left[incarnation] = now
		}
		ago := now.Sub(c.left[incarnation])
		if ago > goneTime {
			delete(c.gone, incarnation)
			delete(c.left, incarnation)
			delete(c.told, incarnation)
			delete(c.since, incarnation)
			continue
		}
		one.Health, one.Report, one.Age, one.Sessions = Gone, nil, ago.Seconds(), 0
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b Shown) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Incarnation, b.Incarnation))
	})
	return all
}
