package rooms

import (
	"context"
	"strings"
	"sync"

	"limegrove/event"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/room"
)

// Registry is where it is kept who is in which room, for all edges. It is presence's.
type Registry interface {
	ChangeRooms(ctx context.Context, changes []presence.RoomChange) ([]presence.RoomState, error)
	Occupants(ctx context.Context, rooms []lime.Identity, most int) ([]presence.Occupants, error)
}

const (
	// maxRooms is how many rooms one call to the registry is about, and maxChanged of how many
	// that come and go, about: it is to answer in time.
	maxRooms, maxChanged = 256, 10_000

	// maxDoubts bounds of how many sessions of one node the registry may have any, beside the
	// one that it was told last.
	maxDoubts = 16
)

// attendance is who of this edge's sessions is in which room. It brings that to the registry
// and to the other edges; what has come and gone in between is told together, or never.
type attendance struct {
	registry Registry // nil when nobody wants to know
	edge     presence.EdgeID
	events   Events // nil likewise

	mu      sync.Mutex
	parties map[roomKey]*party
	untold  []*party // each once
	told    uint64   // how many events
}

// roomKey is a room of any edge.
type roomKey struct {
	domain string // folded
	name   room.Name
}

// identity is what the room is registered as.
func (k roomKey) identity() lime.Identity {
	return lime.Identity{Name: k.name.Address(), Domain: lime.RoomsDomain(k.domain)}
}

// party is who of this edge is in one room.
type party struct {
	key    roomKey
	here   map[string]*stay // by their folded nodes
	untold []*stay          // each once
}

// stay is that of one session in a room, however many seats it has there.
type stay struct {
	text  string // its folded node
	party *party

	// Guarded by the attendance.
	node    lime.Node // as it is spelled
	session string    // the newest of the node
	seats   int
	told    string   // the session that the registry has, or may have; "" for none
	doubts  []string // others that it may have in its place, since it did not answer
	queued  bool
	flying  bool // it is being told
	unsure  bool // others may not know what the registry has of it
}

// settled tells whether the registry has what is so.
func (s *stay) settled() bool {
	switch {
	case len(s.doubts) > 0:
		return false
	case s.seats == 0:
		return s.told == ""
	}
	return s.told == s.session
}

// come notes that somebody has a seat, and returns its stay; nil when nobody is to know.
func (a *attendance) come(key roomKey, v Visitor) *stay {
	// A registry keeps no line breaks.
	if a.registry == nil || v.Session == "" || strings.ContainsAny(v.Node.Instance, "\r\n") {
		return nil
	}
	text := v.Node.Fold().String()
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.parties[key]
	if p == nil {
		p = &party{key: key, here: map[string]*stay{}}
		a.parties[key] = p
	}
	s := p.here[text]
	if s == nil {
		s = &stay{text: text, party: p}
		p.here[text] = s
	}
	if s.seats > 0 && s.session != v.Session { // a newer session of the node, on the same edge
		a.tell(event.RoomLeft, s)
	}
	enters := s.seats == 0 || s.session != v.Session
	s.node, s.session = v.Node, v.Session
	s.seats++
	if enters {
		a.tell(event.RoomJoined, s)
	}
	a.queue(s)
	return s
}

// leave notes that a seat was left.
func (a *attendance) leave(s *stay) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.seats--; s.seats == 0 {
		a.tell(event.RoomLeft, s)
	}
	a.queue(s)
}

// queue has told what has become of a stay, unless that is known.
func (a *attendance) queue(s *stay) {
	if s.queued || !s.settled() {
		a.enqueue(s)
		return
	}
	a.forget(s)
}

func (a *attendance) enqueue(s *stay) {
	if s.queued {
		return
	}
	s.queued = true
	if len(s.party.untold) == 0 {
		a.untold = append(a.untold, s.party)
	}
	s.party.untold = append(s.party.untold, s)
}

// forget forgets a stay that is over. One of which something is being told is not: what
// comes of that belongs to it, and must not be said after what is said of another.
func (a *attendance) forget(s *stay) {
	if s.seats > 0 || s.told != "" || s.flying {
		return
	}
	delete(s.party.here, s.text)
	if len(s.party.here) == 0 {
		delete(a.parties, s.party.key)
	}
}

// again has everything told once more, because the registry may have lost it. It may as well
// not: who has left meanwhile is still to leave it. With unsure, others may not know what it has.
func (a *attendance) again(unsure bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.parties {
		for _, s := range p.here {
			s.unsure = s.unsure || unsure
			a.enqueue(s)
		}
	}
}

// waiting is how many rooms have something that is not told.
func (a *attendance) waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.untold)
}
