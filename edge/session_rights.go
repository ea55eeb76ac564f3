package edge

import (
	"limegrove/room"
)

// may tells whether the session may do something with a room.
func (s *session) may(right room.Right, n room.Name) bool {
	who := room.Asker{Identity: s.who.Identity(), Guest: s.guest}
	return s.rules.rooms.may.Let(who, right, n)
}
