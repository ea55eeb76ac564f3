package herald

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"limegrove/lime"
	"limegrove/presence"
)

// maxRead is how many identities are looked up in one round trip.
const maxRead = 256

// brief tells a session that begins of those who share with its identity, and are to be
// seen: it takes all others to be unavailable. When somebody may have told it before, it is
// told of these, too. What was told is noted and read again, as in a push.
func (h *Herald) brief(ctx context.Context, to lime.Node, doubt bool) error {
	left, err := h.sharers(ctx, to.Identity)
	if err != nil {
		return err
	}
	h.metrics.briefings.Inc()
	told := make(map[lime.Identity]string, len(left)) // by folded identity
	for _, id := range left {
		told[id.Fold()] = string(lime.StatusUnavailable)
		if doubt {
			told[id.Fold()] = presence.Uncertain
		}
	}
	for round := range maxTellings {
		if left, err = h.briefOf(ctx, to, left, told, round == 0); err != nil || len(left) == 0 {
			return err
		}
	}
	return errRestless
}

// briefOf tells of those of all that are not to be seen as was told. It returns these, and at
// first those who are gone: that is noted, too, since others may not have heard of it, and never
// will when they are back in time.
func (h *Herald) briefOf(ctx context.Context, to lime.Node, all []lime.Identity, told map[lime.Identity]string, first bool) (news []lime.Identity, err error) {
	for some := range slices.Chunk(all, maxRead) {
		views, err := h.cfg.Registry.Registered(ctx, some)
		if err != nil {
			return nil, err
		}
		var (
			ids     []lime.Identity
			sights  []sight
			digests []string
		)
		var gone []lime.Identity
		for i, id := range some {
			s, key := sightOf(views[i]), id.Fold()
			switch is := digest(s.Presence); {
			case is != told[key]:
				told[key] = is
				ids, sights, digests = append(ids, id), append(sights, s), append(digests, is)
			case first:
				gone = append(gone, id)
			}
		}
		for range gone {
			digests = append(digests, string(lime.StatusUnavailable))
		}
		if len(digests) == 0 {
			continue
		}
		if err := h.briefThese(ctx, to, ids, sights); err != nil {
			return nil, err
		}
		noted := slices.Concat(ids, gone)
		if err := h.cfg.Registry.ToldOne(ctx, noted, digests); err != nil {
			return nil, err
		}
		news = append(news, noted...)
	}
	return news, nil
}

// briefThese tells of some, in chunks.
func (h *Herald) briefThese(ctx context.Context, to lime.Node, ids []lime.Identity, sights []sight) error {
	for i, id := range ids {
		if err := h.date(ctx, id, &sights[i]); err != nil {
			return err
		}
		resource, err := json.Marshal(sights[i].Presence)
		if err != nil {
			return err
		}
		if err := h.publish(id, resource, to); err != nil {
			return err
		}
		last := i == len(ids)-1
		if last || (i+1)%h.cfg.Chunk == 0 {
			if err := h.leave(ctx, last && len(ids) < h.cfg.Chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

// leave sends a chunk away, and waits a moment unless it is the only one.
func (h *Herald) leave(ctx context.Context, only bool) error {
	if err := h.cfg.Publisher.Flush(ctx); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if only {
		return nil
	}
	return pause(ctx, h.cfg.Pause)
}

// sharers are those who share with an identity, of those that it knows: its contacts, and
// those that it is subscribed to.
func (h *Herald) sharers(ctx context.Context, with lime.Identity) ([]lime.Identity, error) {
	contacts, others, err := h.cfg.Roster.Known(ctx, with)
	if err != nil {
		return nil, err
	}
	subscriptions, err := h.cfg.Roster.Subscriptions(ctx, with)
	if err != nil {
		return nil, err
	}
	sharing, err := h.cfg.Roster.Sharing(ctx, with, slices.Concat(contacts, others, subscriptions))
	if err != nil {
		return nil, err
	}
	for _, s := range subscriptions {
		if slices.ContainsFunc(sharing, s.EqualFold) {
			continue
		}
		may, err := h.cfg.Permits(ctx, s, with)
		if err != nil {
			return nil, err
		}
		if may {
			sharing = append(sharing, s)
		}
	}
	return sharing, nil
}
