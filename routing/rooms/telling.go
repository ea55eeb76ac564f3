package rooms

import (
	"strconv"
	"time"

	"limegrove/event"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/room"
)

// Events is told who enters and leaves rooms. Its method does not block.
type Events interface {
	Tell(e event.Event)
}

// tell tells that a session has entered a room, or left it.
func (a *attendance) tell(t event.Type, s *stay) {
	if a.events == nil {
		return
	}
	a.told++
	a.events.Tell(event.Event{
		ID:   s.session + "." + string(t) + "." + strconv.FormatUint(a.told, 36),
		Type: t, Time: time.Now(), Whom: s.node.Identity, Node: s.node,
		Detail: detail(s.session, s.party.key.domain, s.party.key.name),
	})
}

func detail(session, domain string, n room.Name) event.Room {
	d := room.NewDocument(domain, n)
	return event.Room{Session: session, Room: d.Room, Address: d.Address}
}

// lostEvent is what is told of a session that has left a room with its edge. Should that live
// after all, the session is in the room again and this was not its leaving: so it has
// another id, and each time another one.
func lostEvent(domain string, n room.Name, who lime.Node, gone *presence.Registration) event.Event {
	d, now := detail(gone.Session, domain, n), time.Now()
	return event.Event{
		ID:   gone.Session + "." + string(event.RoomLeft) + ".lost." + strconv.FormatInt(now.UnixMicro(), 10) + "." + d.Address.Name,
		Type: event.RoomLeft, Time: now, Whom: who.Identity, Node: who, Detail: d,
	}
}
