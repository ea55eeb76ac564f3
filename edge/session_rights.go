package edge

import (
	"maps"
	"slices"

	"limegrove/edge/auth"
	"limegrove/lime"
	"limegrove/room"
)

// rights are what a session may do with rooms, beside what the edge's rules let everybody do.
type rights struct {
	login   room.Rules  // by what it was let in by
	granted room.Grants // to its identity
}

// none tells whether there are none, and never were.
func (r *rights) none() bool {
	return len(r.login) == 0 && len(r.granted.Rules) == 0 && r.granted.Revision == 0
}

// may tells whether the session may do something with a room.
func (s *session) may(right room.Right, n room.Name) bool {
	who := room.Asker{Identity: s.who.Identity(), Guest: s.guest}
	return s.rules.rooms.may.Let(who, right, n) || s.has().rights.login.Let(who, right, n) || s.has().rights.granted.Rules.Let(who, right, n)
}

// granted takes what the session's identity was granted, unless it has something newer.
func (s *session) granted(g room.Grants) {
	if !s.state.Ended() && g.Revision > s.has().rights.granted.Revision {
		s.gets().rights.granted = g
		s.reviewRooms()
	}
}

// entitle takes the rights of a login that was renewed.
func (s *session) entitle(g auth.Grant) {
	own := s.gets()
	own.rights.login = g.Rooms
	if g.Granted.Revision > own.rights.granted.Revision {
		own.rights.granted = g.Granted
	}
	s.tidy()
	s.reviewRooms()
}

// reviewRooms puts the session out of the rooms that it may not be in any more, and tells it.
func (s *session) reviewRooms() {
	for _, n := range slices.Sorted(maps.Keys(s.has().visits.seats)) {
		if s.may(room.Enter, n) {
			continue
		}
		s.has().visits.seats[n].Leave()
		delete(s.has().visits.seats, n)
		d := room.NewDocument(s.roomsOf(), n)
		d.Ended = true
		c := lime.Command{
			From: s.server(), To: s.who.Node(), Method: lime.MethodObserve, URI: "/rooms", Type: lime.MediaRoom, Resource: asResource(&d),
		}
		s.answer(lime.KindCommand, c.AppendJSON(nil))
	}
}

// Granted replaces what the session's identity was granted. Recipient.
func (c *conn) Granted(g room.Grants) {
	// A connection that has ended may do nothing any more.
	_ = c.back(func() { c.session.granted(g) })
}
