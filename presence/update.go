package presence

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"limegrove/lime"
)

// Update stores the presence of r, whose session must hold the node, and
// returns the view's new version. The error matches ErrGone when another
// session holds the node, or none; then version is the view's current one, or
// 0.
func (s *Store) Update(ctx context.Context, r Registration) (version int64, err error) {
	key, field, err := place(r.Node)
	if err != nil {
		return 0, fmt.Errorf("update %s: %w", r.Node, err)
	}
	value, holder, err := encodeValue(&r)
	if err != nil {
		return 0, fmt.Errorf("update %s: %w", r.Node, err)
	}
	version, err = s.change(ctx, key, s.scriptCall(ctx, updateScript, key, field, value, holder))
	if err != nil {
		return version, fmt.Errorf("update %s: %w", r.Node, err)
	}
	return version, nil
}

// Unregister removes n, which session must hold, and returns the view's new
// version. In the same step a guest becomes one that was seen lately; see
// Whereabouts. The error matches ErrGone when another session holds the node, or
// none; then version is the view's current one, or 0. After an error of the
// network a second try may find that the first has done it.
func (s *Store) Unregister(ctx context.Context, n lime.Node, session string) (version int64, err error) {
	key, field, err := place(n)
	if err != nil {
		return 0, fmt.Errorf("unregister %s: %w", n, err)
	}
	holder, err := appendSession(nil, session)
	if err != nil {
		return 0, fmt.Errorf("unregister %s: %w", n, err)
	}
	version, err = s.change(ctx, key, s.scriptCall(ctx, unregisterScript, key,
		seenKey(key), field, holder, s.cfg.GuestGrace.Milliseconds()))
	if err != nil {
		return version, fmt.Errorf("unregister %s: %w", n, err)
	}
	return version, nil
}

// change runs a script that answers whether it did its work, and the version.
func (s *Store) change(ctx context.Context, key string, c *call) (version int64, err error) {
	if err := s.do(ctx, key, c); err != nil {
		return 0, err
	}
	done, version, err := changeOf(c)
	if err == nil && !done {
		err = ErrGone
	}
	return version, err
}

func changeOf(c *call) (done bool, version int64, err error) {
	answer, err := answerOf(c)
	if err != nil {
		return false, 0, err
	}
	d, _ := answer[0].(string)
	v, _ := answer[1].(string)
	version, err = strconv.ParseInt(v, 10, 64)
	if err != nil {
		return false, 0, errors.Join(errAnswer, err)
	}
	return d == "1", version, nil
}
