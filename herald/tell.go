package herald

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

// errRestless is for an identity that has changed each time that it was told of.
var errRestless = errors.New("it changes all the time")

// maxTellings is how often one is told of before others have their turn.
const maxTellings = 8

// tell does what the events of an identity ask for. It notes in w when it has begun to.
func (h *Herald) tell(ctx context.Context, w *work) error {
	mark := rand.Text()[:10]
	before, err := h.cfg.Registry.Telling(ctx, w.Identity, mark)
	if err != nil {
		return err
	}
	seen, err := h.see(ctx, w.Identity) // after that, so that nobody has told later of what is earlier
	if err != nil {
		return err
	}
	news := isNews(w, before, seen)
	if seen.gone() && before != digest(seen.Presence) {
		var when time.Time
		switch {
		case w.Seen:
			when = w.at
		case news && wasThere(w, before): // the event of that finds everybody told
			when = time.Now()
		}
		if !when.IsZero() {
			if err := h.note(ctx, w.Identity, &seen, when); err != nil {
				return err
			}
		}
	}
	if news {
		w.begun = true
		seen, err = h.push(ctx, w.Identity, mark, seen)
	} else {
		err = h.cfg.Registry.Told(ctx, w.Identity, mark, digest(seen.Presence))
	}
	if err != nil {
		return err
	}
	if len(w.Sharing) > 0 {
		w.begun = true
		if err := h.pushTo(ctx, w.Identity, seen, w.Sharing); err != nil {
			return err
		}
	}
	for _, instance := range w.Fresh {
		w.begun = true
		if err := h.brief(ctx, lime.Node{Identity: w.Identity, Instance: instance}, w.Doubt); err != nil {
			return err
		}
	}
	return nil
}

// isNews tells whether others are to be told.
func isNews(e *work, before string, now sight) bool {
	switch {
	case e.Doubt && !e.Again: // others may have been told of what was so earlier
		return true
	case before == digest(now.Presence):
		return false
	case before == "" && e.Again: // Redis has lost it, and nothing has happened
		return false
	case before == "" && now.gone(): // nobody was told that it is there
		return e.Seen
	}
	return true
}

// wasThere tells whether one who is gone now, of which no event has come yet, was there: when others were told
// so, or its session has changed what it shows.
func wasThere(e *work, before string) bool {
	return before != "" && (!e.Again || !strings.HasPrefix(before, presence.Uncertain))
}

// sight is what is told of an identity: its status and its message, and when it was last
// to be seen. On which instances it is, is for those who ask.
type sight struct{ lime.Presence }

// see reads what there is to be told.
func (h *Herald) see(ctx context.Context, id lime.Identity) (sight, error) {
	all, err := h.cfg.Registry.Registered(ctx, []lime.Identity{id})
	if err != nil {
		return sight{}, err
	}
	return sightOf(all[0]), nil
}

func sightOf(v presence.View) sight {
	p := v.Shown()
	p.Instances = nil
	return sight{p}
}

func (s sight) gone() bool { return s.Status == lime.StatusUnavailable }

// digest is what Redis remembers of what was told. When it was last seen is not part of
// that.
func digest(p lime.Presence) string {
	if p.Message == "" {
		return string(p.Status)
	}
	sum := sha256.Sum256([]byte(p.Message))
	return string(p.Status) + " " + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Farewell tells all who are to know that an identity is unavailable, whatever it is. It is
// for one that is about to be forgotten.
func (h *Herald) Farewell(ctx context.Context, id lime.Identity) error {
	audience, err := h.audience(ctx, id)
	if err == nil {
		err = h.observe(id, sight{lime.Presence{Status: lime.StatusUnavailable}}, audience)
	}
	if err != nil {
		return fmt.Errorf("farewell of %s: %w", id, err)
	}
	return nil
}

// shares tells whether owner lets somebody see its presence.
func (h *Herald) shares(ctx context.Context, owner, with lime.Identity) (bool, error) {
	yes, err := h.cfg.Roster.SharesPresence(ctx, owner, with)
	if err != nil || yes {
		return yes && err == nil, err
	}
	return h.cfg.Permits(ctx, owner, with)
}

// note notes when an identity that is gone was last to be seen.
func (h *Herald) note(ctx context.Context, id lime.Identity, s *sight, when time.Time) error {
	s.LastSeen = lime.FormatTime(when)
	return h.cfg.Diary.SetSeen(ctx, id, when)
}

// date adds when an identity that is gone was last to be seen.
func (h *Herald) date(ctx context.Context, id lime.Identity, s *sight) error {
	if !s.gone() || s.LastSeen != "" {
		return nil
	}
	when, err := h.cfg.Diary.Seen(ctx, id)
	if err == nil && !when.IsZero() {
		s.LastSeen = lime.FormatTime(when)
	}
	return err
}

// audience is who is told of an identity: the contacts with whom it shares, and those who
// are subscribed and may be.
func (h *Herald) audience(ctx context.Context, id lime.Identity) ([]lime.Identity, error) {
	sharing, _, err := h.cfg.Roster.Known(ctx, id)
	if err != nil {
		return nil, err
	}
	subscribers, err := h.cfg.Roster.Subscribers(ctx, id)
	if err != nil || len(subscribers) == 0 {
		return sharing, err
	}
	audience := slices.Clone(sharing)
	known := make(map[lime.Identity]struct{}, len(sharing))
	for _, c := range sharing {
		known[c.Fold()] = struct{}{}
	}
	for _, s := range subscribers {
		if _, is := known[s.Fold()]; is {
			continue
		}
		may, err := h.cfg.Permits(ctx, id, s)
		if err != nil {
			return nil, err
		}
		if may {
			audience = append(audience, s)
		}
	}
	return audience, nil
}

// observe publishes what is to be seen of id to others.
func (h *Herald) observe(id lime.Identity, s sight, to []lime.Identity) error {
	if len(to) == 0 {
		return nil
	}
	resource, err := json.Marshal(s.Presence)
	if err != nil {
		return err
	}
	for _, other := range to {
		if err := h.publish(id, resource, lime.Node{Identity: other}); err != nil {
			return err
		}
	}
	return nil
}

// publish publishes one observe. LIME, commands: it has a uri, and a type with its
// resource, without which one client's receive loop ends.
func (h *Herald) publish(of lime.Identity, resource []byte, to lime.Node) error {
	c := lime.Command{
		From: lime.Node{Identity: of}, To: to, Method: lime.MethodObserve, URI: "/presence",
		Type: lime.MediaPresence, Resource: resource,
	}
	if err := h.cfg.Publisher.Observe(to, c.AppendJSON(nil)); err != nil {
		return fmt.Errorf("tell %s of %s: %w", to, of, err)
	}
	h.metrics.observes.Inc()
	return nil
}

// pause waits between two chunks.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
