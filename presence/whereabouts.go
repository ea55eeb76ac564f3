package presence

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"limegrove/lime"
)

// Whereabouts is where an identity is, and where it was as a guest a moment
// ago. An account leaves no trace: that it exists is known from elsewhere.
type Whereabouts struct {
	View // the registrations now

	// Seen are the folded instances, sorted, that a guest held until lately and
	// that nobody holds now: it left less than Config.GuestGrace ago, or its edge
	// has died and was not swept yet. At most a few hundred are kept.
	Seen []string
}

// Known tells whether anybody is or was there: the identity's own whereabouts
// when instance is "", else that instance in any spelling.
func (w *Whereabouts) Known(instance string) bool {
	if instance == "" {
		return len(w.Registrations) > 0 || len(w.Seen) > 0
	}
	folded := lime.Node{Instance: instance}.Fold().Instance
	return slices.Contains(w.Seen, folded) || slices.ContainsFunc(w.Registrations, func(r Registration) bool {
		return r.Node.Fold().Instance == folded
	})
}

// whereaboutsScript, with the key of the guests seen lately, answers with all
// fields of the hash, and the instances whose grace has not ended.
var whereaboutsScript = newScript(2, `
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
return {
  redis.call('HGETALL', KEYS[1]),
  redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. string.format('%.0f', now), '+inf'),
}
`)

// Whereabouts returns where id is and was. Both are read in one step, so a
// guest that is just leaving is in the one or in the other. As with RawView,
// leases that were found alive less than a second ago are not asked for, and a
// lease that cannot be asked for counts as alive; so it mostly costs one
// command.
func (s *Store) Whereabouts(ctx context.Context, id lime.Identity) (Whereabouts, error) {
	folded := id.Fold()
	key := identityKey(folded)
	c := s.scriptCall(ctx, whereaboutsScript, key, seenKey(key))
	err := s.do(ctx, key, c)
	var w Whereabouts
	if err == nil {
		w, err = s.whereabouts(ctx, folded, c)
	}
	if err != nil {
		return Whereabouts{}, fmt.Errorf("whereabouts of %s: %w", id, err)
	}
	return w, nil
}

func (s *Store) whereabouts(ctx context.Context, folded lime.Identity, c *call) (w Whereabouts, err error) {
	answer, err := answerOf(c)
	if err != nil {
		return w, err
	}
	fields, _ := answer[0].([]any)
	seen, _ := answer[1].([]any)
	var all []held
	if w.View, all, err = s.decode(folded, pairs(fields)); err != nil {
		return w, err
	}
	void, err := s.voidAmong(ctx, all, "", false)
	if err != nil {
		return w, err
	}
	w.Registrations = living(all, void)

	for _, instance := range seen {
		if i, ok := instance.(string); ok {
			w.Seen = append(w.Seen, i)
		}
	}
	w.Seen = slices.DeleteFunc(w.Seen, func(instance string) bool {
		return slices.ContainsFunc(all, func(h held) bool {
			return h.field == instance && !slices.Contains(void, h.Edge)
		})
	})
	for _, h := range all {
		if h.Guest && slices.Contains(void, h.Edge) {
			w.Seen = append(w.Seen, h.field)
		}
	}
	slices.Sort(w.Seen)
	w.Seen = slices.Compact(w.Seen)
	return w, nil
}

// pairs yields the fields and values of a flat answer.
func pairs(flat []any) iter.Seq2[string, string] {
	return func(yield func(field, value string) bool) {
		for i := 0; i+1 < len(flat); i += 2 {
			f, _ := flat[i].(string)
			v, _ := flat[i+1].(string)
			if !yield(f, v) {
				return
			}
		}
	}
}
