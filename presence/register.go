package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
// registered; registering again is harmless. A replaced session that such an
// error hid is still told by the view, in which it is no more.
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
		version, before, older, err := registered(c)
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
		old := before[field]
		before[field], before[versionField] = string(value), version
		v, err := s.viewOf(ctx, folded.Identity, maps.All(before), r.Edge, false)
		if err != nil {
			return View{}, nil, err
		}
		return v, s.other(old, value[:holder], folded), nil
	}
	return View{}, nil, ErrTaken
}

// registered reads the answer of registerScript. When version is "0", another
// session with the value older keeps the node; else before is what the hash
// held.
func registered(c *call) (version string, before map[string]string, older string, err error) {
	answer, err := answerOf(c)
	if err != nil {
		return "", nil, "", err
	}
	version, _ = answer[0].(string)
	if older, kept := answer[1].(string); kept {
		return version, nil, older, nil
	}
	flat, _ := answer[1].([]any)
	before = make(map[string]string, len(flat)/2+2)
	for i := 0; i+1 < len(flat); i += 2 {
		f, _ := flat[i].(string)
		before[f], _ = flat[i+1].(string)
	}
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

// other decodes the value that a node had, if it was that of another holder.
func (s *Store) other(old string, holder []byte, folded lime.Node) *Registration {
	if old == "" || strings.HasPrefix(old, string(holder)) {
		return nil
	}
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
