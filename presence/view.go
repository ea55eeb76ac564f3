package presence

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"limegrove/lime"
)

// View returns the registrations of id whose edge's lease is alive. Each lease
// is asked for after the registrations were read.
func (s *Store) View(ctx context.Context, id lime.Identity) (View, error) {
	return s.view(ctx, id, true)
}

// RawView is View but for leases that were found alive less than a second ago,
// which it takes for alive still; so it mostly costs one command. A lease that
// cannot be asked for counts as alive, too: only registrations of edges known
// to be dead are left out.
func (s *Store) RawView(ctx context.Context, id lime.Identity) (View, error) {
	return s.view(ctx, id, false)
}

func (s *Store) view(ctx context.Context, id lime.Identity, exact bool) (View, error) {
	folded := id.Fold()
	key := identityKey(folded)
	cmd := redis.NewMapStringStringCmd(ctx, "hgetall", key)
	if err := s.do(ctx, key, s.newCall(cmd, nil)); err != nil {
		return View{}, fmt.Errorf("view of %s: %w", id, err)
	}
	v, err := s.viewOf(ctx, folded, maps.All(cmd.Val()), "", exact)
	if err != nil {
		return View{}, fmt.Errorf("view of %s: %w", id, err)
	}
	return v, nil
}

// viewOf makes the view of id, which is folded, from the fields of its hash.
// The edge self counts as alive.
func (s *Store) viewOf(ctx context.Context, id lime.Identity, fields iter.Seq2[string, string], self EdgeID, exact bool) (View, error) {
	v, held, err := s.decode(id, fields)
	if err != nil {
		return v, err
	}
	void, err := s.voidAmong(ctx, held, self, exact)
	if err != nil {
		return View{}, err
	}
	v.Registrations = living(held, void)
	v.Partial = len(v.Registrations) < len(held)
	return v, nil
}

// voidAmong returns those of the edges in held that have no lease. The edge
// self counts as alive.
func (s *Store) voidAmong(ctx context.Context, held []held, self EdgeID, exact bool) ([]EdgeID, error) {
	if len(held) == 0 {
		return nil, nil
	}
	edges := make([]EdgeID, 0, 8)
	for _, h := range held {
		if h.Edge != self && !slices.Contains(edges, h.Edge) {
			edges = append(edges, h.Edge)
		}
	}
	return s.voidOf(ctx, edges, exact)
}

// living returns the registrations in held whose edge is not void.
func living(held []held, void []EdgeID) []Registration {
	if len(held) == 0 {
		return nil
	}
	rs := make([]Registration, 0, len(held))
	for _, h := range held {
		if !slices.Contains(void, h.Edge) {
			rs = append(rs, h.Registration)
		}
	}
	return rs
}

// held is a registration and the field that holds it.
type held struct {
	Registration
	field string
}

// decode reads the fields of the hash of id, sorted by field. What cannot be
// read is left out and counted: it must not void the others.
func (s *Store) decode(id lime.Identity, fields iter.Seq2[string, string]) (v View, all []held, err error) {
	for f, value := range fields {
		switch {
		case f == versionField:
			if v.Version, err = strconv.ParseInt(value, 10, 64); err != nil {
				return View{}, nil, fmt.Errorf("version: %w", err)
			}
		case strings.HasPrefix(f, "\n"): // of another kind
		default:
			r, err := decodeValue(value, lime.Node{Identity: id, Instance: f})
			if err != nil {
				s.metrics.malformed.Inc()
				continue
			}
			all = append(all, held{r, f})
		}
	}
	slices.SortFunc(all, func(a, b held) int { return strings.Compare(a.field, b.field) })
	return v, all, nil
}
