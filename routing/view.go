package routing

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// viewEvent tells the other edges of one identity that a registration has changed.
// An edge that holds the version before it applies the change; any other reads the
// view again. See package presence for what versions mean.
type viewEvent struct {
	Version int64 `json:"version"`
	presence.Registration
	Gone bool `json:"gone,omitempty"`

	// Doubt says that something may have changed and nobody knows what: the view is
	// to be read, whatever the version.
	Doubt bool `json:"doubt,omitempty"`
}

// doubtEvent is a viewEvent with nothing but Doubt, as JSON.
const doubtEvent = `{"doubt":true}`

// identity returns the identity of a hub, from any of its members; the zero one
// when it has none.
func (h *hub) identity() lime.Identity {
	switch {
	case h.members.first != nil:
		return h.members.first.who.Identity()
	case h.arriving.first != nil:
		return h.arriving.first.who.Identity()
	}
	return lime.Identity{}
}

// tellView publishes a change of the view. It is a hint: whoever misses it reads
// the view when the next one comes, or when this edge sees that its connection was broken.
func (h *Hubs) tellView(b *hub, e viewEvent) {
	if h.floors != nil { // what a session has acknowledged is not taken over when it is heard to have left
		h.floors.tellAcked()
	}
	data, err := json.Marshal(e)
	if err != nil {
		h.metrics.drop(dropBroker)
		return
	}
	h.publishHint(b.key.View(), data, doubtEvent)
}

// takeView replaces a hub's view, with its shard locked.
func (h *Hubs) takeView(b *hub, v presence.View) {
	b.version, b.partial = v.Version, v.Partial
	b.changes++
	b.disarrange()
	var remote []presence.Registration
	for i := range v.Registrations {
		if r := &v.Registrations[i]; r.Edge != h.cfg.Edge {
			remote = append(remote, *r)
			for m := range b.stranded(r) {
				h.registrar.changed(m)
			}
		}
	}
	if remote != nil || b.wide != nil {
		b.widened().remote = remote
		b.narrow()
	}
}

// viewChanged takes a change that some edge told, with the shard locked. An edge
// hears its own changes, too, and knows of them already.
func (h *Hubs) viewChanged(b *hub, data []byte) {
	var e viewEvent
	if err := json.Unmarshal(data, &e); err != nil {
		h.metrics.drop(dropMalformed)
		return
	}
	switch {
	case e.Doubt:
		h.registrar.reread(b)
	case e.Version <= b.version: // the view shows it already
	case e.Version == b.version+1:
		b.version = e.Version
		b.changes++
		if e.Edge != h.cfg.Edge {
			b.change(e)
			if !e.Gone {
				for m := range b.stranded(&e.Registration) {
					h.registrar.changed(m)
				}
			}
		}
	default:
		h.registrar.reread(b)
	}
}

// change applies an event to the registrations of other edges.
func (h *hub) change(e viewEvent) {
	h.disarrange()
	w := h.widened()
	w.remote = slices.DeleteFunc(w.remote, func(r presence.Registration) bool {
		return strings.EqualFold(r.Node.Instance, e.Node.Instance)
	})
	if !e.Gone {
		w.remote = append(w.remote, e.Registration)
	}
	h.narrow()
}

// DropEdge takes the registrations of a dead edge out of all views.
func (h *Hubs) DropEdge(dead presence.EdgeID) {
	for _, s := range h.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			if b.wide == nil {
				continue
			}
			before := len(b.wide.remote)
			b.wide.remote = slices.DeleteFunc(b.wide.remote, func(r presence.Registration) bool { return r.Edge == dead })
			if len(b.wide.remote) != before {
				b.changes++
				b.disarrange()
				b.narrow()
			}
		}
		s.mu.Unlock()
	}
}

// followPause is how soon all views are read once more when the broker is slow to answer.
const followPause = 5 * time.Second

// follow reads all views again whenever NATS is back: what was told of them meanwhile
// is lost. What this edge has told is lost, too, and is told again.
func (h *Hubs) follow(ctx context.Context, back <-chan nats.Status) {
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-back:
		case <-again:
		}
		again = nil
		// The library says that the broker is back before that has the subscriptions: what is told in between
		// is missed, and has to be in what is read. If the connection has broken anew, it is back another time.
		err := h.barrier.Wait(ctx)
		h.rereadAll()
		switch {
		case err == nil:
			h.publishHintsAgain(ctx)
		case h.cfg.NATS.IsConnected():
			again = time.After(followPause)
		}
	}
}

// rereadAll has all views read again.
func (h *Hubs) rereadAll() {
	for _, s := range h.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			h.registrar.reread(b)
		}
		s.mu.Unlock()
	}
}

// RegisterAll brings the registrations of all sessions to Redis again, because it
// has lost them.
func (h *Hubs) RegisterAll() {
	h.log.Info("Redis has lost this edge's registrations; making them again")
	for _, s := range h.shards {
		s.mu.Lock()
		var all []*Member
		for b := range s.hubs.all() {
			all = append(all, b.all()...)
		}
		s.mu.Unlock()
		for _, m := range all {
			h.registrar.changed(m)
			h.authorities.changed(m)
		}
	}
	if h.cfg.Streams != nil {
		h.floors.again(inAll)
	}
}

// TellRemoved tells the edges of an identity that a dead edge's registration was
// removed. Routers do.
func TellRemoved(nc *nats.Conn, gone presence.Removed) error {
	key, err := subject.MakeKey(gone.Node.Identity)
	if err != nil {
		return err
	}
	data, err := json.Marshal(viewEvent{Version: gone.Version, Registration: gone.Registration, Gone: true})
	if err != nil {
		return err
	}
	return nc.Publish(key.View(), data)
}
