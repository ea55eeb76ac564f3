package rooms

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/prepared"
	"limegrove/presence"
	"limegrove/room"
	"limegrove/routing/subject"
)

// turnout is what an edge tells the others of one change of who is in a room.
type turnout struct {
	Version int64       `json:"version"`
	Count   *int        `json:"count,omitempty"`  // after it; nil: what was before, and who came and went
	Joined  []lime.Node `json:"joined,omitempty"` // some may have been there
	Left    []lime.Node `json:"left,omitempty"`
	Omitted bool        `json:"omitted,omitempty"` // Joined and Left are not told
	Doubt   bool        `json:"doubt,omitempty"`   // nothing is: a change may not have been, and who is there must be read
}

// maxEarly is how many turnouts wait for one that comes before them.
const maxEarly = 16

// audience is those of an edge's sessions that want to know who is in one room, and what is
// known of it. It is guarded by its shard.
type audience struct {
	listening

	key    roomKey
	most   int // how many sessions are known by name
	places int // of seats that wait for it or have it; it ends with the last

	knowing
	seats    []*Seat
	restless bool // it is on the shard's list

	// What greeted seats were told last.
	lastTold time.Time
	told     []lime.Identity // sorted
	toldAll  bool            // told is all who were there
	toldSize int
}

// knowing is what is known of who is in a room.
type knowing struct {
	known   bool
	doubted bool // since it was last begun to be read
	version int64
	count   int
	listed  bool                     // who has all whose edges live
	void    int                      // how many of count are not among them
	who     map[string]lime.Identity // by folded nodes
	early   []turnout                // which come after one that is missing
}

func (a *audience) to() (string, error) { return subject.Attendance(a.key.domain, a.key.name) }

// hear takes a turnout.
func (a *audience) hear(msg *nats.Msg) {
	var t turnout
	if json.Unmarshal(msg.Data, &t) != nil {
		a.shard.rooms.metrics.drop(dropMalformed)
		return
	}
	if t.Doubt || len(a.early) == maxEarly { // it cannot be told any more
		a.doubt()
		return
	}
	a.early = append(a.early, t)
	a.disturb()
}

// doubt has the room read, also when it is being read.
func (a *audience) doubt() {
	a.known, a.doubted = false, true
	a.disturb()
}

// disturb has the audience looked at soon.
func (a *audience) disturb() {
	if !a.restless {
		a.restless = true
		a.shard.restless = append(a.shard.restless, a)
	}
}

// settle applies what has come, in order, and tells whether the room must be read.
func (k *knowing) settle(most int) (read bool) {
	slices.SortFunc(k.early, func(a, b turnout) int { return cmp.Compare(a.Version, b.Version) })
	for len(k.early) > 0 && k.known && k.early[0].Version <= k.version+1 {
		if t := k.early[0]; t.Version > k.version {
			k.apply(t, most)
		}
		k.early = k.early[1:]
	}
	if len(k.early) > 0 { // one is missing, and may never come
		k.known = false
	}
	return !k.known || !k.listed && k.count <= most
}

func (k *knowing) apply(t turnout, most int) {
	k.version = t.Version
	before := k.count
	for _, n := range t.Left {
		delete(k.who, n.Fold().String())
	}
	for _, n := range t.Joined {
		if k.listed {
			k.who[n.Fold().String()] = n.Identity
		}
	}
	if t.Count != nil {
		k.count = *t.Count
	} else { // of those of a dead edge, some may have been listed
		k.count = max(0, before+len(t.Joined)-len(t.Left))
		k.void = k.count - len(k.who)
	}
	switch {
	case t.Omitted || k.count > most:
		k.listed, k.who = false, nil
	case k.listed && k.count-len(k.who) != k.void: // somebody is there by another edge
		k.known = false
	}
}

// read is told what the registry has.
func (k *knowing) read(o presence.Occupants) {
	k.early = slices.DeleteFunc(k.early, func(t turnout) bool { return t.Version <= o.Version })
	k.known, k.version, k.count, k.listed, k.who = !k.doubted, o.Version, o.Count, o.Listed, nil
	if !o.Listed {
		return
	}
	k.who = make(map[string]lime.Identity, len(o.Who))
	for i := range o.Who {
		n, err := lime.ParseNode(o.Who[i].Node.Instance)
		if err != nil {
			continue // of no edge of ours
		}
		k.who[n.Fold().String()] = n.Identity
	}
	k.void = k.count - len(k.who)
}

// people are the identities of some nodes, each once and sorted.
func people(who map[string]lime.Identity) []lime.Identity {
	all := slices.AppendSeq(make([]lime.Identity, 0, len(who)), maps.Values(who))
	slices.SortFunc(all, compareIdentities)
	return slices.CompactFunc(all, lime.Identity.EqualFold)
}

func compareIdentities(a, b lime.Identity) int {
	a, b = a.Fold(), b.Fold()
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Domain, b.Domain))
}

// without returns those of some that are not among others; both are sorted.
func without(some, others []lime.Identity) []lime.Identity {
	rest := []lime.Identity{}
	for _, i := range some {
		if _, found := slices.BinarySearchFunc(others, i, compareIdentities); !found {
			rest = append(rest, i)
		}
	}
	return rest
}

// tell gives each seat what is new to it, and returns the seats that were given something.
// Those that have no room for it are told later.
func (a *audience) tell(now time.Time) (given []*Seat) {
	var here []lime.Identity
	if a.listed {
		here = people(a.who)
	}
	whole := a.document()
	whole.Occupants = here
	news := a.document()
	changed := a.toldSize != a.count || a.toldAll != a.listed
	switch {
	case a.listed && a.toldAll:
		news.Joined, news.Left = without(here, a.told), without(a.told, here)
		changed = changed || len(news.Joined)+len(news.Left) > 0
	case a.listed:
		news.Occupants = here
	}
	var all, change *prepared.Run // made when they are needed
	for _, s := range a.seats {
		envelope := &all
		if s.greeted {
			envelope = &change
		}
		switch {
		case s.greeted && !changed:
			continue
		case *envelope == nil && s.greeted:
			change = prepared.One(len(a.seats), a.observe(&news))
		case *envelope == nil:
			all = prepared.One(len(a.seats), a.observe(&whole))
		}
		if s.greeted = a.shard.hand(s, *envelope, 0); s.greeted {
			given = append(given, s)
		} else {
			a.disturb()
		}
	}
	a.told, a.toldAll, a.toldSize, a.lastTold = here, a.listed, a.count, now
	return given
}

func (a *audience) document() room.Document {
	d := room.NewDocument(a.key.domain, a.key.name)
	d.Count = &a.count
	return d
}

// observe is what tells a client of a room: LIME, observe, which has no id and no answer.
func (a *audience) observe(d *room.Document) []byte {
	resource, err := json.Marshal(d)
	if err != nil {
		return nil // texts and numbers always can be
	}
	c := lime.Command{
		From: lime.ServerNode(nil, a.key.domain, a.shard.rooms.cfg.ID), Method: lime.MethodObserve, URI: "/rooms",
		Type: lime.MediaRoom, Resource: resource,
	}
	return c.AppendJSON(nil)
}

// audienceOf returns a room's audience with a place in it, and whether it is new. The shard
// is locked.
func (s *shard) audienceOf(key roomKey) (a *audience, first bool) {
	a = s.audiences[key]
	if first = a == nil; first {
		a = &audience{listening: listen(s), key: key, most: s.rooms.cfg.MaxListed}
		s.audiences[key] = a
	}
	a.places++
	return a, first
}

// add has a seat told. The shard is locked.
func (a *audience) add(s *Seat) {
	if s.attends == 0 {
		a.seats = append(a.seats, s)
		s.attends = len(a.seats)
		a.disturb()
	}
}

// remove takes a seat out, and returns the subscription that is to end with the last. The
// shard is locked.
func (a *audience) remove(s *Seat) *nats.Subscription {
	if s.attends > 0 {
		last := len(a.seats) - 1
		moved := a.seats[last]
		a.seats[s.attends-1], moved.attends = moved, s.attends
		a.seats[last] = nil
		a.seats = a.seats[:last]
		s.attends = 0
	}
	s.audience = nil
	return a.release()
}

// release gives a place back, and returns the subscription that is to end with the last. The
// shard is locked.
func (a *audience) release() *nats.Subscription {
	if a.places--; a.places > 0 {
		return nil
	}
	delete(a.shard.audiences, a.key)
	return a.sub
}
