package rooms

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

const (
	// gatherFor is for how long those who come and go are gathered.
	gatherFor = 200 * time.Millisecond
	// againEvery is about how often all is told once more.
	againEvery = 5 * time.Minute
	// tellEvery is the least time between two commands that tell a session of one room.
	tellEvery = time.Second
)

// attend brings who is where to the registry, and to those who want to know, until ctx is
// done; then what is left, for the last time.
func (r *Rooms) attend(ctx context.Context) {
	tick := time.NewTicker(gatherFor)
	defer tick.Stop()
	again := time.Now().Add(againAfter())
	for {
		select {
		case <-ctx.Done():
			for r.register(context.WithoutCancel(ctx)) {
			}
			return
		case now := <-tick.C:
			if now.After(again) {
				r.attendance.again(false)
				again = now.Add(againAfter())
			}
			r.register(ctx)
			for _, s := range r.shards {
				s.tellAudiences(ctx, now)
			}
		}
	}
}

// againAfter is when all is told to the registry once more, for what two edges have told of
// one node in another order than it happened.
func againAfter() time.Duration { return againEvery/2 + rand.N(againEvery) }

// register brings what has changed on this edge to the registry, and tells whether that has
// left anything to tell. What changes meanwhile waits for the next time, so that those who
// come and go without a pause hold up nobody who wants to know of it.
func (r *Rooms) register(ctx context.Context) (more bool) {
	a := &r.attendance
	failed := false
	for rooms := a.waiting(); !failed; {
		all := a.take(&rooms)
		if len(all) == 0 {
			break
		}
		states, err := r.change(ctx, all)
		if failed = r.registryTrouble.note(err); failed {
			a.failed(all)
			break
		}
		a.took(all)
		for i := range all {
			r.tellEdges(&all[i], states[i])
		}
	}
	waiting := a.waiting()
	r.metrics.untold.Set(float64(waiting))
	return !failed && waiting > 0
}

// change makes one call to the registry.
func (r *Rooms) change(ctx context.Context, all []news) ([]presence.RoomState, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	changes := make([]presence.RoomChange, len(all))
	for i := range all {
		changes[i] = all[i].change()
	}
	return r.cfg.Registry.ChangeRooms(ctx, changes)
}

// tellEdges tells all edges of one change.
func (r *Rooms) tellEdges(n *news, s presence.RoomState) {
	t := turnout{Version: s.Version, Count: &s.Occupants}
	switch {
	case !s.Changed && !n.unsure:
		return
	case !s.Changed: // it may have been made before, of which the answer was lost
		t = turnout{Doubt: true}
	case s.Occupants > r.cfg.MaxListed || len(n.entered)+len(n.left) > r.cfg.MaxListed:
		t.Omitted = true
	default:
		t.Joined, t.Left = nodesOf(n.entered), nodesOf(n.left)
	}
	if err := r.teller.tell(n.key, &t); err != nil {
		r.metrics.drop(dropBroker)
	}
}

// nodesOf returns whose registrations in a room they are.
func nodesOf(all []presence.Registration) (nodes []lime.Node) {
	for i := range all {
		if n, err := lime.ParseNode(all[i].Node.Instance); err == nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// tellAudiences tells those who want to know what is new to them.
func (s *shard) tellAudiences(ctx context.Context, now time.Time) {
	s.mu.Lock()
	restless := s.restless
	s.restless = nil
	var unknown []*audience
	var given []*Seat
	for _, a := range restless {
		a.restless = false
		switch {
		case len(a.seats) == 0:
		case now.Sub(a.lastTold) < tellEvery:
			a.disturb()
		case a.settle(a.most):
			unknown = append(unknown, a)
		default:
			given = append(given, a.tell(now)...)
		}
	}
	s.mu.Unlock()
	for _, seat := range given {
		seat.occupant.Flush()
	}
	for len(unknown) > 0 {
		n := min(len(unknown), maxRooms)
		if !s.read(ctx, unknown[:n], now) {
			break
		}
		unknown = unknown[n:]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range unknown { // the registry is away
		a.disturb()
	}
}

// read reads who is in some rooms, and tells it. It tells whether that could be done.
func (s *shard) read(ctx context.Context, all []*audience, now time.Time) (ok bool) {
	ctx, cancel := context.WithTimeout(ctx, s.rooms.cfg.Timeout)
	defer cancel()
	names := make([]lime.Identity, len(all))
	s.mu.Lock()
	for i, a := range all {
		names[i], a.doubted = a.key.identity(), false
	}
	s.mu.Unlock()
	found, err := s.rooms.cfg.Registry.Occupants(ctx, names, s.rooms.cfg.MaxListed)
	if s.rooms.registryTrouble.note(err) {
		return false
	}
	var given []*Seat
	s.mu.Lock()
	for i, a := range all {
		a.knowing.read(found[i])
		if a.settle(a.most) { // something is missing again: told is what there is
			a.disturb()
		}
		given = append(given, a.tell(now)...)
	}
	s.mu.Unlock()
	for _, seat := range given {
		seat.occupant.Flush()
	}
	return true
}

// RegisterAll brings who is in which room to the registry again, because it may have lost
// it. Where it has not, edges read who is there: nobody saw those of an edge that had no lease.
func (r *Rooms) RegisterAll() { r.attendance.again(true) }

// Occupants returns who is in a room: how many sessions, and when they are no more than
// MaxListed, the identities that have them.
func (r *Rooms) Occupants(ctx context.Context, at Address) (count int, who []lime.Identity, err error) {
	if r.cfg.Registry == nil {
		return 0, nil, fmt.Errorf("who is in a room: nobody keeps that")
	}
	key := roomKey{string(lime.AppendFold(nil, []byte(at.Domain))), at.Name}
	found, err := r.cfg.Registry.Occupants(ctx, []lime.Identity{key.identity()}, r.cfg.MaxListed)
	if err != nil {
		return 0, nil, fmt.Errorf("who is in a room: %w", err)
	}
	var k knowing
	k.read(found[0])
	if !k.listed {
		return k.count, nil, nil
	}
	return k.count, people(k.who), nil
}
