package status

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"
)

// Ignored is a peer from whom edges take nothing.
type Ignored struct {
	Peer  string    `json:"peer"` // an identity, a node, or a domain
	Until time.Time `json:"until"`
	By    string    `json:"by,omitempty"` // who has said so
}

// ignoreTime bounds what is done about the list.
const ignoreTime = 5 * time.Second

// ignored answers who is ignored.
func (p *Page) ignored(w http.ResponseWriter, r *http.Request) {
	if err := p.guard.check(r); err != nil {
		fail(w, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ignoreTime)
	defer cancel()
	all, err := p.cfg.Ignored(ctx)
	if err != nil {
		failOf(w, err)
		return
	}
	answer(w, http.StatusOK, struct {
		Ignored []Ignored `json:"ignored"`
	}{all})
}

// ignore has all edges take nothing from a peer for a time, and stopIgnoring has them take it again.
func (p *Page) ignore(w http.ResponseWriter, r *http.Request)       { p.changeIgnored(w, r, true) }
func (p *Page) stopIgnoring(w http.ResponseWriter, r *http.Request) { p.changeIgnored(w, r, false) }

func (p *Page) changeIgnored(w http.ResponseWriter, r *http.Request, on bool) {
	var body struct {
		Peer string  `json:"peer"`
		For  float64 `json:"for"` // seconds
	}
	if err := p.admit(w, r, &body); err != nil {
		fail(w, err)
		return
	}
	during := time.Duration(0)
	if on {
		if !(body.For >= 1 && body.For <= 1e6) {
			fail(w, Refusal{http.StatusBadRequest, "the time is a number of seconds, 1 at least"})
			return
		}
		during = time.Duration(body.For * float64(time.Second))
	}
	ctx, cancel := context.WithTimeout(r.Context(), ignoreTime)
	defer cancel()
	p.cfg.Log.WithFields(logrus.Fields{"peer": body.Peer, "during": during, "remote": r.RemoteAddr}).Warn("somebody changes on the status page who is ignored")
	is, err := p.cfg.Ignore(ctx, body.Peer, during, r.RemoteAddr+" by "+p.cfg.Reporter.cfg.Incarnation)
	if err != nil {
		failOf(w, err)
		return
	}
	answer(w, http.StatusAccepted, is)
}

// failOf is fail, for an error that may be that of a store which is away.
func failOf(w http.ResponseWriter, err error) {
	if !errors.As(err, new(Refusal)) {
		err = Refusal{http.StatusServiceUnavailable, err.Error()}
	}
	fail(w, err)
}
