package status

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

// Found is what is known of an identity.
type Found struct {
	Identity string `json:"identity"`
	Status   string `json:"status"`            // what others see of it
	Message  string `json:"message,omitempty"` // likewise
	Partial  bool   `json:"partial,omitempty"` // registrations of edges without a lease are left out

	Instances []Instance `json:"instances"`
	Waiting   Waiting    `json:"waiting"`
}

// Instance is a session of an identity.
type Instance struct {
	Instance    string `json:"instance"`
	Session     string `json:"session"`
	Edge        string `json:"edge"` // the incarnation
	Guest       bool   `json:"guest,omitempty"`
	Status      string `json:"status,omitempty"` // "" for one that never said
	Message     string `json:"message,omitempty"`
	RoutingRule string `json:"routing_rule,omitempty"`
	Priority    int    `json:"priority,omitempty"`
}

// Waiting is how many messages wait for an identity, at all its addresses.
type Waiting struct {
	Inbox int    `json:"inbox"`
	Log   int    `json:"log"`             // stored in the last seconds, and not acknowledged
	Error string `json:"error,omitempty"` // why they could not be counted
}

const (
	searchTime = 5 * time.Second
	maxSearch  = 1024 // bytes
)

// identity answers a search.
func (p *Page) identity(w http.ResponseWriter, r *http.Request) {
	if err := p.guard.check(r); err != nil {
		fail(w, err)
		return
	}
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	if text == "" || len(text) > maxSearch {
		fail(w, Refusal{http.StatusBadRequest, "search for an identity, as name@domain"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), searchTime)
	defer cancel()
	p.cfg.Log.WithFields(logrus.Fields{"identity": text, "remote": r.RemoteAddr}).Info("somebody searches for an identity on the status page")
	found, err := p.cfg.Search(ctx, text)
	if err != nil {
		if _, ok := err.(Refusal); !ok { //nolint:errorlint // see fail
			err = Refusal{http.StatusServiceUnavailable, err.Error()}
		}
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, found)
}
