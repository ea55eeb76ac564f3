package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"limegrove/lime"
)

// Register makes r.Node be held by r.Session in one atomic step. It returns
// the identity's view after it, as RawView would, and the registration of
// another session that r has replaced, if any. With keepOlder a session that
// already holds the node keeps it, and the error matches ErrTaken, unless the
// lease of its edge has run out.
//
// After an error that does not match ErrTaken the node may or may not be
// registered; registering again is harmless. So it is done again when the
// connection breaks before the answer, behind the caller's back as well, and
// View.Again says that r.Session held the node already. Whom it has replaced
// nobody knows then: it is told by the view, in which it is no more.
func (s *Store) Register(ctx context.Context, r Registration, keepOlder bool) (v View, replaced *Registration, err error) {
	v, replaced, err = s.register(ctx, &r, keepOlder)
	if err != nil {
		return View{}, nil, fmt.Errorf("register %s: %w", r.Node, err)
	}
	return v, replaced, nil
}

func (s *Store) register(ctx context.Context, r *Registration, keepOlder bool) (View, *Registration, error) {
	key, field, err := place(r.Node)
	if err != nil {
		return View{}, nil, err
	}
	value, holder, err := encodeValue(r)
	if err != nil {
		return View{}, nil, err
	}
	keep, void := "0", ""
	if keepOlder {
		keep = "1"
	}
	folded := r.Node.Fold()
	// Each turn meets another session of an edge whose lease has run out.
	for range maxVoid {
		c := s.scriptCall(ctx, registerScript, key, field, value, holder, keep, void)
		if err := s.do(ctx, key, c); err != nil {
			return View{}, nil, err
		}
		version, flat, older, err := registered(c)
		if err != nil {
			return View{}, nil, err
		}
		if version == "0" {
			if err := s.keeps(ctx, older, folded); err != nil {
				return View{}, nil, err
			}
			void = older
			continue
		}
		before := fieldsOf(flat)
		old, _ := before.get(field)
		v, err := s.viewWith(ctx, r, folded.Identity, before, field, string(value), version)
		if err != nil {
			return View{}, nil, err
		}
		v.Again = old != "" && strings.HasPrefix(old, string(value[:holder]))
		if old == "" || v.Again {
			return v, nil, nil
		}
		return v, s.other(old, folded), nil
	}
	return View{}, nil, ErrTaken
}

// viewWith is the view of the identity of r, which has been made its newest registration, and was stored as value.
func (s *Store) viewWith(ctx context.Context, r *Registration, id lime.Identity, before fields, field, value, version string) (View, error) {
	if before.alone(field) { // as most are
		n, err := strconv.ParseInt(version, 10, 64)
		if err != nil {
			return View{}, fmt.Errorf("version: %w", err)
		}
		one := *r
		one.Presence.Instances, one.Presence.LastSeen = nil, ""
		return View{Version: n, Registrations: []Registration{one}}, nil
	}
	all := maps.Collect(before.all)
	all[field], all[versionField] = value, version
	return s.viewOf(ctx, id, maps.All(all), r.Edge, false)
}

// fields are those of a hash, as a script answers them: names and values in turns.
type fields []any

func fieldsOf(flat []any) fields { return flat[:len(flat)/2*2] }

func (f fields) all(yield func(name, value string) bool) {
	for i := 0; i < len(f); i += 2 {
		name, _ := f[i].(string)
		value, _ := f[i+1].(string)
		if !yield(name, value) {
			return
		}
	}
}

// get returns the value of a field.
func (f fields) get(name string) (value string, ok bool) {
	for n, v := range f.all {
		if n == name {
			return v, true
		}
	}
	return "", false
}

// alone tells whether no instance but that of field is registered.
func (f fields) alone(field string) bool {
	for name := range f.all {
		if name != field && !strings.HasPrefix(name, "\n") {
			return false
		}
	}
	return true
}

// registered reads the answer of registerScript. When version is "0", another
// session with the value older keeps the node; else before is what the hash
// held.
func registered(c *call) (version string, before []any, older string, err error) {
	answer, err := answerOf(c)
	if err != nil {
		return "", nil, "", err
	}
	version, _ = answer[0].(string)
	if older, kept := answer[1].(string); kept {
		return version, nil, older, nil
	}
	before, _ = answer[1].([]any)
	return version, before, "", nil
}

// keeps returns ErrTaken when the older session's edge has a lease.
func (s *Store) keeps(ctx context.Context, older string, folded lime.Node) error {
	o, err := decodeValue(older, folded)
	if err != nil {
		s.metrics.malformed.Inc()
		return nil // what cannot be read keeps nothing
	}
	alive, err := s.leased(ctx, o.Edge)
	if err == nil && alive {
		err = ErrTaken
	}
	return err
}

// other decodes the value that a node had of another holder.
func (s *Store) other(old string, folded lime.Node) *Registration {
	o, err := decodeValue(old, folded)
	if err != nil {
		s.metrics.malformed.Inc()
		return nil
	}
	return &o
}

// maxVoid bounds how often a registration tries to take a node from sessions
// of dead edges; another one has always come in between.
const maxVoid = 4

// answerOf returns the two things that a script answered.
func answerOf(c *call) ([]any, error) {
	cmd, ok := c.cmd.(interface{ Slice() ([]any, error) })
	if !ok {
		return nil, errAnswer
	}
	answer, err := cmd.Slice()
	if err == nil && len(answer) != 2 {
		err = errAnswer
	}
	return answer, err
}

var errAnswer = errors.New("unexpected answer from redis")
