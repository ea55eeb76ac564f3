package routing

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

var errAway = errors.New("the registry is away")

// registry is Redis as routing sees it, in memory: with package presence's rules for
// versions, and with faults.
type registry struct {
	mu     sync.Mutex
	clock  int64 // where the versions of a new identity begin; it never goes back
	hashes map[lime.Identity]*hash
	floors map[lime.Node]presence.Floor // by folded address
	away   bool
	deaf   bool            // what is asked is done, but nobody hears of it
	lapsed presence.EdgeID // has no lease
	calls  map[string]int
	on     func(call string, n lime.Node) // before a call, without the lock
	after  func(call string, n lime.Node) // after it, before its caller hears of it
}

type hash struct {
	version int64
	fields  map[string]presence.Registration // by folded instance
}

func newRegistry() *registry {
	return &registry{hashes: map[lime.Identity]*hash{}, floors: map[lime.Node]presence.Floor{}, calls: map[string]int{}}
}

// RaiseFloors is that of presence.
func (r *registry) RaiseFloors(ctx context.Context, all []presence.Floor) error {
	if err := r.begin(ctx, "raise", lime.Node{}); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range all {
		at := lime.Node{Identity: f.Identity, Instance: f.Instance}.Fold()
		if have, ok := r.floors[at]; !ok || have.Log != f.Log || have.Position < f.Position {
			r.floors[at] = f
		}
	}
	return nil
}

// Floors is that of presence.
func (r *registry) Floors(ctx context.Context, ids []lime.Identity) ([][]presence.Floor, error) {
	if err := r.begin(ctx, "floors", lime.Node{}); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([][]presence.Floor, len(ids))
	for i, id := range ids {
		for at, f := range r.floors {
			if at.Identity == id.Fold() {
				all[i] = append(all[i], f)
			}
		}
	}
	return all, nil
}

func (r *registry) begin(ctx context.Context, call string, n lime.Node) error {
	r.mu.Lock()
	on := r.on
	r.calls[call]++
	r.mu.Unlock()
	if on != nil {
		on(call, n)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return errAway
	}
	return ctx.Err()
}

func (r *registry) end(call string, n lime.Node) error {
	r.mu.Lock()
	after := r.after
	r.mu.Unlock()
	if after != nil {
		after(call, n)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deaf {
		return errAway
	}
	return nil
}

// changed makes the version of an identity one greater, with the lock held.
func (r *registry) changed(i lime.Identity) *hash {
	h := r.hashes[i]
	if h == nil {
		r.clock += 1000
		h = &hash{version: r.clock, fields: map[string]presence.Registration{}}
		r.hashes[i] = h
		return h
	}
	h.version++
	r.clock = max(r.clock, h.version)
	return h
}

func (r *registry) viewLocked(i lime.Identity) (v presence.View) {
	h := r.hashes[i.Fold()]
	if h == nil {
		return v
	}
	v.Version = h.version
	for _, instance := range slices.Sorted(maps.Keys(h.fields)) {
		if reg := h.fields[instance]; reg.Edge == r.lapsed {
			v.Partial = true
		} else {
			v.Registrations = append(v.Registrations, reg)
		}
	}
	return v
}

func (r *registry) Register(ctx context.Context, reg presence.Registration, keepOlder bool) (v presence.View, older *presence.Registration, err error) {
	if err := r.begin(ctx, "register", reg.Node); err != nil {
		return v, nil, err
	}
	v, older, err = r.register(reg, keepOlder)
	if err == nil {
		err = r.end("register", reg.Node)
	}
	return v, older, err
}

func (r *registry) register(reg presence.Registration, keepOlder bool) (v presence.View, older *presence.Registration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := reg.Node.Fold()
	again := false
	if h := r.hashes[n.Identity]; h != nil {
		o, ok := h.fields[n.Instance]
		switch {
		case !ok:
		case o.Session == reg.Session:
			again = true
		case keepOlder:
			return v, nil, presence.ErrTaken
		default:
			older = &o
		}
	}
	r.changed(n.Identity).fields[n.Instance] = reg
	v = r.viewLocked(n.Identity)
	v.Again = again
	return v, older, nil
}

func (r *registry) Update(ctx context.Context, reg presence.Registration) (int64, error) {
	if err := r.begin(ctx, "update", reg.Node); err != nil {
		return 0, err
	}
	r.mu.Lock()
	n := reg.Node.Fold()
	h := r.hashes[n.Identity]
	if h == nil || h.fields[n.Instance].Session != reg.Session {
		v := r.viewLocked(n.Identity).Version
		r.mu.Unlock()
		return v, presence.ErrGone
	}
	v := r.changed(n.Identity).version
	h.fields[n.Instance] = reg
	r.mu.Unlock()
	return v, r.end("update", reg.Node)
}

// UpdateAll is Update for each, at once, since a call may wait for another.
func (r *registry) UpdateAll(ctx context.Context, rs []presence.Registration) []presence.Updated {
	all := make([]presence.Updated, len(rs))
	var updating sync.WaitGroup
	for i, reg := range rs {
		updating.Go(func() { all[i].Version, all[i].Err = r.Update(ctx, reg) })
	}
	updating.Wait()
	return all
}

func (r *registry) Unregister(ctx context.Context, n lime.Node, session string) (int64, error) {
	if err := r.begin(ctx, "unregister", n); err != nil {
		return 0, err
	}
	version, err := r.remove(n, session)
	if err == nil {
		err = r.end("unregister", n)
	}
	return version, err
}

func (r *registry) remove(n lime.Node, session string) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = n.Fold()
	h := r.hashes[n.Identity]
	if h == nil || h.fields[n.Instance].Session != session {
		return r.viewLocked(n.Identity).Version, presence.ErrGone
	}
	v := r.changed(n.Identity).version
	if delete(h.fields, n.Instance); len(h.fields) == 0 {
		delete(r.hashes, n.Identity)
	}
	return v, nil
}

func (r *registry) View(ctx context.Context, i lime.Identity) (presence.View, error) {
	if err := r.begin(ctx, "view", lime.Node{Identity: i}); err != nil {
		return presence.View{}, err
	}
	r.mu.Lock()
	v := r.viewLocked(i)
	r.mu.Unlock()
	return v, r.end("view", lime.Node{Identity: i})
}

// SetAway makes every call fail, or no more.
func (r *registry) SetAway(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

// SetDeaf makes every call do what it shall and fail all the same.
func (r *registry) SetDeaf(deaf bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deaf = deaf
}

// On has f called before every call.
func (r *registry) On(f func(call string, n lime.Node)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on = f
}

// After has f called when a call is done, before its caller hears of it.
func (r *registry) After(f func(call string, n lime.Node)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = f
}

// Flush forgets all registrations.
func (r *registry) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hashes = map[lime.Identity]*hash{}
}

// Calls is how often one kind of call came.
func (r *registry) Calls(call string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[call]
}

// Holder is the session that a node is registered for, "" for none.
func (r *registry) Holder(node string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := lime.MustParseNode(node).Fold()
	if h := r.hashes[n.Identity]; h != nil {
		return h.fields[n.Instance].Session
	}
	return ""
}

// Registered is the nodes that are registered, by their folded text.
func (r *registry) Registered() map[string]presence.Registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]presence.Registration{}
	for _, h := range r.hashes {
		for _, reg := range h.fields {
			all[strings.ToLower(reg.Node.String())] = reg
		}
	}
	return all
}

// WantHolder waits until a node is registered for a session.
func (r *registry) WantHolder(t testing.TB, why, node, session string) {
	t.Helper()
	eventually(t, why, func() bool { return r.Holder(node) == session })
}

// hold has another edge, which is not part of the test, hold a node.
func (r *registry) hold(t testing.TB, node string, e presence.EdgeID, session string) presence.Registration {
	t.Helper()
	reg := presence.Registration{Node: lime.MustParseNode(node), Edge: e, Session: session, Guest: true}
	if _, _, err := r.register(reg, false); err != nil {
		t.Fatal(err)
	}
	return reg
}

// Hold is that of presence, for tests with one router.
func (r *registry) Hold(ctx context.Context, _ string, _ presence.EdgeID, _ time.Duration) (bool, error) {
	return true, r.begin(ctx, "hold", lime.Node{})
}

// Release is that of presence.
func (r *registry) Release(context.Context, string, presence.EdgeID) error { return nil }
