package fanout

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// roster is a Roster made ready: where a copy goes for each member.
type roster struct {
	group    lime.Identity
	revision uint64
	checked  time.Time // it was whole then
	members  []addressee
}

// addressee is one member.
type addressee struct {
	to        string      // its address
	key       subject.Key // of its identity
	token     string
	partition int
	maySend   bool
}

const (
	// rosterMembers is how many members one generation of what is remembered has.
	rosterMembers = 50_000

	// checkedFor is for how long it is not asked again whether a group is as it was, for
	// messages that were there when it was asked.
	checkedFor = time.Second
)

// rosters are those that were used lately. They have two generations, as the addresses of
// an edge's recipients do.
type rosters struct {
	fanout *Fanout

	mu         sync.Mutex
	young, old map[subject.Key]*roster
	size       int // of the young ones' members
}

// get returns the members that a group has at least since a moment. An error matches
// ErrGone when there is no group.
func (r *rosters) get(ctx context.Context, key subject.Key, since time.Time) (*roster, error) {
	known := r.known(key)
	if known != nil && !known.checked.Before(since) && time.Since(known.checked) < checkedFor {
		return known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.fanout.cfg.Timeout)
	defer cancel()
	group, err := key.Identity()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	revision, err := r.fanout.cfg.Groups.Revision(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("look at group %s: %w", group, err)
	}
	if known != nil && known.revision == revision {
		again := *known
		again.checked = now
		r.keep(key, &again)
		return &again, nil
	}
	read, err := r.fanout.cfg.Groups.Roster(ctx, group, revision)
	if err != nil {
		if errors.Is(err, ErrGone) {
			r.forget(key)
		}
		return nil, fmt.Errorf("members of group %s: %w", group, err)
	}
	r.fanout.metrics.rosters.Inc()
	fresh := r.ready(read)
	fresh.checked = now
	r.keep(key, fresh)
	return fresh, nil
}

// ready makes a roster of what was read.
func (r *rosters) ready(read Roster) *roster {
	made := &roster{group: read.Group, revision: read.Revision, members: make([]addressee, 0, len(read.Members))}
	for _, m := range read.Members {
		key, err := subject.MakeKey(m.Address.Identity)
		if err != nil {
			continue // it could not have become a member
		}
		token := subject.Identity
		if m.Address.Instance != "" {
			token = subject.Token(m.Address.Instance)
		}
		made.members = append(made.members, addressee{
			to: m.Address.String(), key: key, token: token, maySend: m.MaySend,
			partition: key.Partition(r.fanout.cfg.Streams.Partitions()),
		})
	}
	return made
}

func (r *rosters) known(key subject.Key) *roster {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.young[key]; k != nil {
		return k
	}
	return r.old[key]
}

func (r *rosters) keep(key subject.Key, made *roster) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || r.size >= rosterMembers {
		r.old, r.young, r.size = r.young, map[subject.Key]*roster{}, 0
	}
	if before := r.young[key]; before != nil {
		r.size -= len(before.members)
	}
	r.young[key] = made
	r.size += len(made.members)
}

func (r *rosters) forget(key subject.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if before := r.young[key]; before != nil {
		r.size -= len(before.members)
	}
	delete(r.young, key)
	delete(r.old, key)
}
