package edge

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"limegrove/lime"
	"limegrove/room"
	"limegrove/tracing"
)

// Reasons for rooms. They are not changed.
var (
	reasonEnter       = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "The session may not enter the room"}
	reasonPublish     = &lime.Reason{Code: lime.CodeAuthorizationUnauthorizedSender, Description: "The session may not publish to the room"}
	reasonPosition    = &lime.Reason{Code: lime.CodeValidationError, Description: "Positions are given by rooms"}
	reasonNoRoom      = &lime.Reason{Code: lime.CodeRoutingDestinationNotFound, Description: "The address is that of no room"}
	reasonNotIn       = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "The session is not in the room"}
	reasonRooms       = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "The session is in as many rooms as it may be"}
	reasonStoring     = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "Too many messages to rooms wait to be kept"}
	reasonAsking      = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "Too many questions about rooms wait for their answers"}
	reasonRoomAway    = &lime.Reason{Code: lime.CodeCommandProcessingError, Description: "The room cannot be reached now"}
	reasonRoomCommand = &lime.Reason{Code: lime.CodeCommandResourceNotSupported, Description: "A room takes messages; ask the server for what it is"}
)

const (
	// maxStoring bounds the publications of one session that are not known to be kept.
	maxStoring = 256
	// maxAsking bounds its questions who is in a room that are not answered: those who enter
	// rooms wait behind them.
	maxAsking = 16
)

// visits are the rooms that a session is in, or about to be.
type visits struct {
	seats   map[room.Name]*visit
	storing int // publications that are not known to be kept
	asking  int // questions who is in a room
	// asked are the requests for rooms that are being entered, in their order.
	asked map[room.Name][]roomRequest
}

// visit is one that it is in.
type visit struct {
	Seat
	attends bool // it is told who is there
}

// roomRequest is a request about a room, which may wait for it to be entered.
type roomRequest struct {
	id     string
	method lime.Method
	attend bool // and be told who is there
	since  *uint64
}

// aboutRooms tells whether a URI is that of rooms.
func aboutRooms(u lime.URI) bool { return len(u.Path) > 0 && strings.EqualFold(u.Path[0], "rooms") }

// roomCommand answers a command about rooms: get of all that the session is in, and get,
// subscribe and unsubscribe of one, which is the rest of the path or the resource's.
func (s *session) roomCommand(h *lime.Header, b []byte, u lime.URI) error {
	if h.Method == lime.MethodGet && len(u.Path) == 1 {
		return s.listRooms(h)
	}
	r := roomRequest{id: string(h.ID), method: h.Method}
	switch h.Method {
	case lime.MethodGet, lime.MethodSubscribe, lime.MethodUnsubscribe:
	default:
		return reasonMethod
	}
	n, err := r.room(h, u, b)
	switch {
	case err != nil:
		return err
	case h.Method != lime.MethodGet:
		return s.visit(n, r)
	case !s.may(room.Enter, n):
		return reasonEnter
	case s.has().visits.asking >= maxAsking:
		return reasonAsking
	}
	s.gets().visits.asking++
	s.out.occupants(RoomAddress{Domain: s.roomsOf(), Name: n}, r)
	return nil
}

// visit takes a request to be in a room, or out of it. While the room is being entered, what
// else the client asks about it waits its turn.
func (s *session) visit(n room.Name, r roomRequest) error {
	v := &s.gets().visits
	defer s.tidy()
	waiting, entering := v.asked[n]
	in := v.seats[n]
	switch {
	case entering && len(waiting) >= s.rules.rooms.most:
		return reasonRooms
	case entering:
		v.asked[n] = append(waiting, r)
	case r.method == lime.MethodUnsubscribe && in == nil:
		return reasonNotIn
	case r.method == lime.MethodUnsubscribe:
		in.Leave()
		delete(v.seats, n)
		s.respond(r.header(), lime.CommandSuccess, "", nil, nil)
	case in != nil && r.attend && !in.attends:
		v.asked[n] = []roomRequest{r}
		s.out.attend(n, in)
	case in != nil:
		s.isIn(n, r, room.Place{})
	case !s.may(room.Enter, n):
		return reasonEnter
	case len(v.seats)+len(v.asked) >= s.rules.rooms.most:
		return reasonRooms
	default:
		if v.asked == nil {
			v.seats, v.asked = map[room.Name]*visit{}, map[room.Name][]roomRequest{}
		}
		v.asked[n] = []roomRequest{r}
		s.out.enter(RoomEntry{
			RoomAddress: RoomAddress{Domain: s.roomsOf(), Name: n},
			Node:        s.who.Node(), Session: s.who.Tag(), Attend: r.attend, Since: r.since,
		})
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
	first := s.has().visits.asked[n][0]
	if err == nil && !s.may(room.Enter, n) { // it might when it asked
		seat.Leave()
		err = reasonEnter
	}
	if err != nil {
		s.refuseFor(first, err)
	} else {
		s.has().visits.seats[n] = &visit{seat, first.attend}
		s.isIn(n, first, seat.Place())
		seat.Activate()
	}
	s.goOn(n)
}

// attends takes the answer to out.attend.
func (s *session) attends(n room.Name, err error) {
	if s.state != lime.StateEstablished {
		return
	}
	in := s.has().visits.seats[n]
	if in == nil { // it was put out meanwhile
		err = reasonEnter
	}
	first := s.has().visits.asked[n][0]
	if err != nil {
		s.refuseFor(first, err)
	} else {
		in.attends = true
		s.isIn(n, first, room.Place{})
	}
	s.goOn(n)
}

// isIn answers a request for a room that the session is in, where it has just begun at a
// place, or at none. Who asks for what was there before and does not get it is told so.
func (s *session) isIn(n room.Name, r roomRequest, p room.Place) {
	d := room.NewDocument(s.roomsOf(), n)
	d.Position = p.Position
	if r.since != nil {
		d.Continuous = &p.Continuous
	}
	s.respond(r.header(), lime.CommandSuccess, lime.MediaRoom, asResource(&d), nil)
}

// goOn takes the requests that have waited behind the first.
func (s *session) goOn(n room.Name) {
	waiting := s.has().visits.asked[n]
	delete(s.has().visits.asked, n)
	for _, r := range waiting[1:] {
		if err := s.visit(n, r); err != nil {
			s.refuseFor(r, err)
		}
	}
}

// occupants takes the answer to out.occupants.
func (s *session) occupants(n room.Name, r roomRequest, count int, who []lime.Identity, err error) {
	if s.state != lime.StateEstablished {
		return
	}
	s.gets().visits.asking--
	defer s.tidy()
	if err != nil {
		s.refuseFor(r, err)
		return
	}
	d := room.NewDocument(s.roomsOf(), n)
	d.Count, d.Occupants = &count, who
	s.respond(r.header(), lime.CommandSuccess, lime.MediaRoom, asResource(&d), nil)
}

// header is what an answer to the request is made of.
func (r roomRequest) header() *lime.Header {
	return &lime.Header{Kind: lime.KindCommand, ID: []byte(r.id), Method: r.method}
}

// refuseFor answers a request with an error, whose own text stays here unless it is a reason.
func (s *session) refuseFor(r roomRequest, err error) {
	why := lime.AsReason(err)
	if why == nil {
		why = reasonRoomAway
	}
	s.out.count(dropRefused)
	s.refuse(r.header(), why)
}

// none tells whether there is none, and nothing is asked about one.
func (v *visits) none() bool {
	return len(v.seats) == 0 && len(v.asked) == 0 && v.storing == 0 && v.asking == 0
}

// drained tells the seats that there is room again.
func (v *visits) drained() {
	for _, seat := range v.seats {
		seat.Drained()
	}
}

// exitAll gives all seats up.
func (s *session) exitAll() {
	for _, seat := range s.has().visits.seats {
		seat.Leave()
	}
	if s.aside != nil {
		s.aside.visits = visits{}
	}
}

// listRooms answers with the rooms that the session is in.
func (s *session) listRooms(h *lime.Header) error {
	items := []json.RawMessage{}
	for _, n := range slices.Sorted(maps.Keys(s.has().visits.seats)) {
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
	d := room.NewDocument(s.roomsOf(), n)
	return asResource(&d)
}

func asResource(d *room.Document) json.RawMessage {
	b, err := json.Marshal(d)
	if err != nil {
		return json.RawMessage("{}") // texts and numbers always can be
	}
	return b
}

// roomsOf is the domain whose rooms the session is in: its own, if that is served.
func (s *session) roomsOf() string {
	if s.ownDomain {
		return s.who.Domain()
	}
	return s.rules.domains[0]
}

// room returns the room of a request, which is the rest of the path or the resource's, and
// reads what else the resource asks for.
func (r *roomRequest) room(h *lime.Header, u lime.URI, b []byte) (room.Name, error) {
	var asked room.Document
	if h.HasResource {
		resource, why := smallResource(h, b)
		if why != nil {
			return "", why
		}
		if json.Unmarshal(resource, &asked) != nil {
			return "", lime.NewReason(lime.CodeCommandInvalidArgument, "The resource is no room")
		}
	}
	r.attend, r.since = asked.Presence, asked.Since
	n, err := room.Path(u.Path[1:]...)
	if len(u.Path) == 1 {
		n, err = room.Of(asked.Room)
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
	if !s.may(room.Publish, n) {
		return reasonPublish
	}
	if n.Wild() && pretendsPosition(h, b) {
		return reasonPosition
	}
	at := RoomAddress{Domain: string(of), Name: n}
	identity := lime.Identity{Name: n.Address(), Domain: lime.RoomsDomain(at.Domain)}
	t.from = lime.AppendGroupSender(t.from[:0], identity, s.who.Identity())
	t.to = lime.AppendIdentity(t.to[:0], identity)
	change.From, change.To, change.PP = t.from, t.to, nil
	t.header.BlankPP = h.PP != nil
	if h.ID != nil && s.has().visits.storing >= maxStoring {
		return reasonStoring
	}
	envelope := t.changed(b, change)
	var span *tracing.Span
	if h.Traced {
		span = s.rules.tracer.Next(tracing.StepForward, envelope)
	}
	if span != nil && h.ID != nil { // before others may have it
		span.Step, span.Stored = tracing.StepStore, true
	}
	later, err := s.out.publish(at, envelope, string(h.ID), span)
	if span != nil && !later {
		span.Step, span.Stored = tracing.StepForward, false
		s.rules.tracer.End(span, lime.AsReason(err))
	}
	switch {
	case err != nil:
		return err
	case later:
		s.gets().visits.storing++
	case h.ID != nil:
		s.notify(h, lime.EventAccepted, nil)
	}
	return nil
}

// pretendsPosition tells whether a message says itself where it stands in a room. What goes
// to several rooms gets no position that would count in its place, and whoever took it for
// the last that it has had would ask for nothing of before.
func pretendsPosition(h *lime.Header, b []byte) bool {
	m, err := h.Message(b)
	if err != nil {
		return false
	}
	_, is := m.Metadata[room.PositionKey]
	return is
}

// published takes what has become of a publication that its room was to keep.
func (s *session) published(id string, span *tracing.Span, err error) {
	s.rules.tracer.End(span, lime.AsReason(err))
	if s.state != lime.StateEstablished {
		return
	}
	s.gets().visits.storing--
	defer s.tidy()
	h := &lime.Header{Kind: lime.KindMessage, ID: []byte(id)}
	if err == nil {
		s.notify(h, lime.EventAccepted, nil)
		return
	}
	why := lime.AsReason(err)
	if why == nil {
		why = reasonDispatch
	}
	s.out.count(dropRefused)
	s.refuse(h, why)
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
