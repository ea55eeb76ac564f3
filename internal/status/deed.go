package status

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"sync"

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
	d := p.order(r, members[i].Incarnation, Drain)
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
	edges := slices.DeleteFunc(p.cfg.Members(), func(m Member) bool { return m.Role != Edge || m.Draining })
	all := make([]done, len(edges))
	var asked sync.WaitGroup
	turns := make(chan struct{}, 16) // that are asked at the same time
	for i := range edges {
		asked.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			all[i] = p.order(r, edges[i].Incarnation, Rebalance)
		})
	}
	asked.Wait()
	told := struct {
		Done   string            `json:"done"`
		Failed map[string]string `json:"failed,omitempty"` // by id
	}{Failed: map[string]string{}}
	surplus := 0
	for i, d := range all {
		surplus += d.Surplus
		if d.Error != "" {
			told.Failed[edges[i].ID] = d.Error
		}
	}
	told.Done = fmt.Sprintf("%d of %d edges even out now; %d sessions are given away", len(edges)-len(told.Failed), len(edges), surplus)
	answer(w, http.StatusAccepted, told)
}

// order has a member do something, this one or another, and notes who has asked.
func (p *Page) order(r *http.Request, member string, what Deed) done {
	o := order{Do: what, By: p.cfg.Reporter.cfg.Incarnation, Remote: r.RemoteAddr}
	if member == o.By {
		return p.do(r.Context(), o)
	}
	p.cfg.Log.WithFields(logrus.Fields{"operation": string(what), "member": member, "remote": r.RemoteAddr}).Warn("somebody has another member do something on the status page")
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
	return done{Error: "this member cannot do that"}
}
