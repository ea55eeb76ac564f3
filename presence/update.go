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
	u := s.UpdateAll(ctx, []Registration{r})[0]
	return u.Version, u.Err
}

// Updated is what Update returns.
type Updated struct {
	Version int64
	Err     error
}

// UpdateAll is Update for each of rs, all of which go to Redis together.
func (s *Store) UpdateAll(ctx context.Context, rs []Registration) []Updated {
	all := make([]Updated, len(rs))
	calls := make([]*call, len(rs))
	for i := range rs {
		key, field, err := place(rs[i].Node)
		var value []byte
		var holder int
		if err == nil {
			value, holder, err = encodeValue(&rs[i])
		}
		if err == nil {
			c := s.scriptCall(ctx, updateScript, key, field, value, holder)
			if err = s.begin(ctx, key, c); err == nil {
				calls[i] = c
			}
		}
		all[i].Err = err
	}
	for i := range rs {
		u := &all[i]
		if c := calls[i]; c != nil {
			if u.Err = s.wait(ctx, c); u.Err == nil {
				u.Version, u.Err = changed(c)
			}
		}
		if u.Err != nil {
			u.Err = fmt.Errorf("update %s: %w", rs[i].Node, u.Err)
		}
	}
	return all
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
	return changed(c)
}

// changed returns the version that a script has made.
func changed(c *call) (version int64, err error) {
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
