package edge

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"limegrove/lime"
	"limegrove/room"
)

// Reasons for rooms. They are not changed.
var (
	reasonEnter       = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "The session may not enter the room"}
	reasonPublish     = &lime.Reason{Code: lime.CodeAuthorizationUnauthorizedSender, Description: "The session may not publish to the room"}
	reasonNoRoom      = &lime.Reason{Code: lime.CodeRoutingDestinationNotFound, Description: "The address is that of no room"}
	reasonNotIn       = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "The session is not in the room"}
	reasonRooms       = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "The session is in as many rooms as it may be"}
	reasonCannotEnter = &lime.Reason{Code: lime.CodeCommandProcessingError, Description: "The room cannot be entered now"}
	reasonRoomCommand = &lime.Reason{Code: lime.CodeCommandResourceNotSupported, Description: "A room takes messages; ask the server for what it is"}
)

// visits are the rooms that a session is in, or about to be.
type visits struct {
	seats map[room.Name]Seat
	// asked are the requests for rooms that are being entered, in their order.
	asked map[room.Name][]roomRequest
}

// roomRequest is a request that waits for a room to be entered.
type roomRequest struct {
	id     string
	method lime.Method
}

// aboutRooms tells whether a URI is that of rooms.
func aboutRooms(u lime.URI) bool { return len(u.Path) > 0 && strings.EqualFold(u.Path[0], "rooms") }

// roomCommand answers a command about the session's rooms: get of all that it is in, and
// subscribe and unsubscribe of one, which is the rest of the path or the resource's.
func (s *session) roomCommand(h *lime.Header, b []byte, u lime.URI) error {
	if h.Method == lime.MethodGet && len(u.Path) == 1 {
		return s.listRooms(h)
	}
	if h.Method != lime.MethodSubscribe && h.Method != lime.MethodUnsubscribe {
		return reasonMethod
	}
	n, err := roomOf(u, b)
	if err != nil {
		return err
	}
	return s.visit(n, roomRequest{id: string(h.ID), method: h.Method})
}

// visit takes a request to be in a room, or out of it. While the room is being entered, what
// else the client asks about it waits its turn.
func (s *session) visit(n room.Name, r roomRequest) error {
	v := &s.visits
	waiting, entering := v.asked[n]
	seat, in := v.seats[n]
	switch {
	case entering && len(waiting) >= s.rules.rooms.most:
		return reasonRooms
	case entering:
		v.asked[n] = append(waiting, r)
	case r.method == lime.MethodUnsubscribe && !in:
		return reasonNotIn
	case r.method == lime.MethodUnsubscribe:
		seat.Leave()
		delete(v.seats, n)
		s.respond(r.header(), lime.CommandSuccess, "", nil, nil)
	case in:
		s.respond(r.header(), lime.CommandSuccess, lime.MediaRoom, s.describe(n), nil)
	case !s.rules.rooms.may.Let(s.asker(), room.Enter, n):
		return reasonEnter
	case len(v.seats)+len(v.asked) >= s.rules.rooms.most:
		return reasonRooms
	default:
		if v.asked == nil {
			*v = visits{seats: map[room.Name]Seat{}, asked: map[room.Name][]roomRequest{}}
		}
		v.asked[n] = []roomRequest{r}
		s.out.enter(RoomAddress{Domain: s.roomsOf(), Name: n})
	}
	return nil
}

// entered takes the answer to out.enter, and answers what has waited for it. The client
// hears that it is in the room before anything of it.
func (s *session) entered(n room.Name, seat Seat, err error) {
	if s.state != lime.StateEstablished {
		if seat != nil {
			seat.Leave()
		}
		return
	}
	waiting := s.visits.asked[n]
	delete(s.visits.asked, n)
	first := waiting[0]
	if err == nil {
		s.visits.seats[n] = seat
		s.respond(first.header(), lime.CommandSuccess, lime.MediaRoom, s.describe(n), nil)
		seat.Activate()
	} else {
		s.refuseFor(first, err)
	}
	for _, r := range waiting[1:] {
		if err := s.visit(n, r); err != nil {
			s.refuseFor(r, err)
		}
	}
}

// header is what an answer to the request is made of.
func (r roomRequest) header() *lime.Header {
	return &lime.Header{Kind: lime.KindCommand, ID: []byte(r.id), Method: r.method}
}

// refuseFor answers a request with an error, whose own text stays here unless it is a reason.
func (s *session) refuseFor(r roomRequest, err error) {
	why := lime.AsReason(err)
	if why == nil {
		why = reasonCannotEnter
	}
	s.out.count(dropRefused)
	s.refuse(r.header(), why)
}

// exitAll gives all seats up.
func (s *session) exitAll() {
	for _, seat := range s.visits.seats {
		seat.Leave()
	}
	s.visits = visits{}
}

// listRooms answers with the rooms that the session is in.
func (s *session) listRooms(h *lime.Header) error {
	items := []json.RawMessage{}
	for _, n := range slices.Sorted(maps.Keys(s.visits.seats)) {
		items = append(items, s.describe(n))
	}
	list, err := json.Marshal(struct {
		Total    int               `json:"total"`
		ItemType string            `json:"itemType"`
		Items    []json.RawMessage `json:"items"`
	}{len(items), lime.MediaRoom, items})
	if err != nil {
		return err
	}
	s.respond(h, lime.CommandSuccess, lime.MediaCollection, list, nil)
	return nil
}

// describe returns a room as a resource.
func (s *session) describe(n room.Name) json.RawMessage {
	b := append([]byte(`{"room":`), n.AppendJSON(nil)...)
	b = append(b, `,"address":"`...)
	b = append(lime.AppendIdentity(b, s.roomIdentity(n)), `"}`...) // escaped, but for the domain, which has nothing to escape
	return b
}

func (s *session) roomIdentity(n room.Name) lime.Identity {
	return lime.Identity{Name: n.Address(), Domain: lime.RoomsDomain(s.roomsOf())}
}

// roomsOf is the domain whose rooms the session is in: its own, if that is served.
func (s *session) roomsOf() string {
	if s.ownDomain {
		return s.node.Domain
	}
	return s.rules.domains[0]
}

func (s *session) asker() room.Asker { return room.Asker{Identity: s.node.Identity, Guest: s.guest} }

// roomOf returns the room of a command: the rest of the path, or the resource's.
func roomOf(u lime.URI, b []byte) (room.Name, error) {
	n, err := room.Path(u.Path[1:]...)
	if len(u.Path) == 1 {
		resource, why := smallResource(b)
		if why != nil {
			return "", why
		}
		var given struct {
			Room json.RawMessage `json:"room"`
		}
		if json.Unmarshal(resource, &given) != nil {
			return "", lime.NewReason(lime.CodeCommandInvalidArgument, "The resource names no room")
		}
		n, err = room.Of(given.Room)
	}
	if err != nil {
		return "", lime.NewReason(lime.CodeCommandInvalidArgument, "%v", err)
	}
	return n, nil
}

// publish publishes a message to a room. All who are in it get the same bytes: from the
// room, with the sender's identity as its instance, and to the room, which tells those who
// listen to several by a wildcard which one it was.
func (s *session) publish(t *scratch, to lime.NodeView, of, b []byte, who sender, change lime.Rewrite) error {
	h := &t.header
	switch {
	case who != bySession:
		return reasonSender
	case h.Kind == lime.KindNotification: // nobody has asked for it
		s.out.count(dropUnwanted)
		return nil
	case h.Kind != lime.KindMessage:
		return reasonRoomCommand
	}
	n, err := room.FromAddress(string(to.Name))
	if err != nil {
		return reasonNoRoom
	}
	if !s.rules.rooms.may.Let(s.asker(), room.Publish, n) {
		return reasonPublish
	}
	at := RoomAddress{Domain: string(of), Name: n}
	identity := lime.Identity{Name: n.Address(), Domain: lime.RoomsDomain(at.Domain)}
	t.from = lime.AppendGroupSender(t.from[:0], identity, s.node.Identity)
	t.to = lime.AppendIdentity(t.to[:0], identity)
	change.From, change.To, change.PP = t.from, t.to, nil
	t.header.BlankPP = h.PP != nil
	if err := s.rules.rooms.publish(at, t.changed(b, change)); err != nil {
		return err
	}
	if h.ID != nil {
		s.notify(h, lime.EventAccepted, nil)
	}
	return nil
}

// senderInRoom makes an answer to what somebody has published one to that one alone.
func (t *scratch) senderInRoom(to lime.NodeView, change *lime.Rewrite) (lime.NodeView, error) {
	sender, err := lime.ParseGroupSender(string(to.Instance))
	if err != nil {
		return lime.NodeView{}, reasonNoRoom
	}
	t.to = lime.AppendIdentity(t.to[:0], sender)
	change.To = t.to
	return lime.ParseNodeView(t.to)
}
