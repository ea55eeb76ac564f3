package status

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// maxBody bounds the body of a request.
const maxBody = 4 << 10

// admit lets a request in that has the token and a body of JSON, which it reads.
func (p *Page) admit(w http.ResponseWriter, r *http.Request, into any) error {
	if err := p.guard.check(r); err != nil {
		return err
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return Refusal{http.StatusUnsupportedMediaType, "a body is application/json"}
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into); err != nil {
		return Refusal{http.StatusBadRequest, "the body is not what it should be"}
	}
	return nil
}

// tokenIs tells whether a token is right, and does nothing.
func (p *Page) tokenIs(w http.ResponseWriter, r *http.Request) {
	var body struct{}
	if err := p.admit(w, r, &body); err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

// drain has one member drain.
func (p *Page) drain(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Member string `json:"member"` // its incarnation
	}
	if err := p.admit(w, r, &body); err != nil {
		fail(w, err)
		return
	}
	members := p.cfg.Members()
	i := slices.IndexFunc(members, func(m Member) bool { return m.Incarnation == body.Member })
	if i < 0 {
		fail(w, Refusal{http.StatusNotFound, "there is no such member any more"})
		return
	}
	d := p.order(r, members[i].Incarnation, order{Do: Drain})
	if d.Error != "" {
		fail(w, Refusal{http.StatusBadGateway, members[i].ID + ": " + d.Error})
		return
	}
	answer(w, http.StatusAccepted, struct {
		Done string `json:"done"`
	}{members[i].ID + " drains, and ends when its sessions have gone"})
}

// rebalance has all edges give away what they have above the mean.
func (p *Page) rebalance(w http.ResponseWriter, r *http.Request) {
	var body struct{}
	if err := p.admit(w, r, &body); err != nil {
		fail(w, err)
		return
	}
	edges := slices.DeleteFunc(slices.Clone(p.cfg.Members()), func(m Member) bool { return m.Role != Edge || m.Draining })
	all := p.each(edges, func(m Member) done { return p.order(r, m.Incarnation, order{Do: Rebalance}) })
	told := summary{Failed: map[string]string{}}
	surplus := 0
	for i, d := range all {
		surplus += d.Surplus
		told.add(edges[i], d)
	}
	told.Done = fmt.Sprintf("%d of %d edges even out now; %d sessions are given away", len(edges)-len(told.Failed), len(edges), surplus)
	answer(w, http.StatusAccepted, told)
}

// summary is what is told of a deed of several members.
type summary struct {
	Done   string            `json:"done"`
	Failed map[string]string `json:"failed,omitempty"` // by id
}

func (s *summary) add(m Member, d done) {
	if d.Error != "" {
		s.Failed[m.ID] = d.Error
	}
}

// each has members do something, some at the same time.
func (p *Page) each(members []Member, do func(Member) done) []done {
	all := make([]done, len(members))
	var asked sync.WaitGroup
	turns := make(chan struct{}, 16)
	for i := range members {
		asked.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			all[i] = do(members[i])
		})
	}
	asked.Wait()
	return all
}

// mostLevel is how long a level may be said for.
const mostLevel = 7 * 24 * time.Hour

// logLevel has one member, or all, log from another level on.
func (p *Page) logLevel(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Member string  `json:"member"` // its incarnation; "" for all
		Level  string  `json:"level"`  // "" for what the configuration says
		For    float64 `json:"for"`    // seconds; 0 for no bound
	}
	if err := p.admit(w, r, &body); err != nil {
		fail(w, err)
		return
	}
	if !(body.For >= 0 && body.For <= mostLevel.Seconds()) {
		fail(w, Refusal{http.StatusBadRequest, fmt.Sprintf("the time is 0 to %.0f seconds", mostLevel.Seconds())})
		return
	}
	members := slices.Clone(p.cfg.Members())
	if body.Member != "" {
		members = slices.DeleteFunc(members, func(m Member) bool { return m.Incarnation != body.Member })
	}
	if len(members) == 0 {
		fail(w, Refusal{http.StatusNotFound, "there is no such member any more"})
		return
	}
	told := summary{Failed: map[string]string{}}
	for i, d := range p.each(members, func(m Member) done {
		return p.order(r, m.Incarnation, order{Do: LogLevel, Level: body.Level, For: body.For})
	}) {
		told.add(members[i], d)
	}
	level := body.Level
	if level == "" {
		level = "as configured"
	}
	told.Done = fmt.Sprintf("%d of %d members log %s", len(members)-len(told.Failed), len(members), level)
	if body.For > 0 && body.Level != "" {
		told.Done += " for " + time.Duration(body.For*float64(time.Second)).String()
	}
	answer(w, http.StatusAccepted, told)
}

// order has a member do something, this one or another, and notes who has asked.
func (p *Page) order(r *http.Request, member string, o order) done {
	o.By, o.Remote = p.cfg.Reporter.cfg.Incarnation, r.RemoteAddr
	if member == o.By {
		return p.do(r.Context(), o)
	}
	p.cfg.Log.WithFields(logrus.Fields{"operation": string(o.Do), "member": member, "remote": r.RemoteAddr}).Warn("somebody has another member do something on the status page")
	return tell(r.Context(), p.cfg.NATS, p.cfg.Subjects.Order(member), o)
}

// do does what this member is asked to.
func (p *Page) do(_ context.Context, o order) done {
	log := p.cfg.Log.WithFields(logrus.Fields{"operation": string(o.Do), "member": o.By, "remote": o.Remote})
	switch {
	case o.Do == Drain:
		log.Warn("this member is asked on the status page")
		p.cfg.Drain()
		return done{}
	case o.Do == Rebalance && p.cfg.Rebalance != nil:
		log.Warn("this member is asked on the status page")
		surplus, err := p.cfg.Rebalance()
		if err != nil {
			return done{Error: err.Error()}
		}
		return done{Surplus: surplus}
	}
	if o.Do == LogLevel && p.cfg.LogLevel != nil {
		by := fmt.Sprintf("%s by %s", o.Remote, o.By)
		if err := p.cfg.LogLevel(o.Level, time.Duration(o.For*float64(time.Second)), by); err != nil {
			return done{Error: err.Error()}
		}
		return done{}
	}
	return done{Error: "this member cannot do that"}
}
