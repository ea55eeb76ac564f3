package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"limegrove/cmd/lime/words"
	"limegrove/lime"
	"limegrove/room"
)

// connected takes a change of the session.
func (m *model) connected(c connection) {
	begun := c.state == online && c.sessions != m.conn.sessions
	m.conn, m.retryAt = c, m.now.Add(time.Duration(c.pause)*time.Second)
	if c.me.Domain != "" {
		m.me = c.me.Identity
		m.openFirst()
	}
	if c.state != online || begun {
		clear(m.statuses)
		clear(m.writing)
		for _, t := range m.talks {
			t.occupants, t.count = nil, 0
		}
	}
	if !begun {
		return
	}
	for _, key := range m.rooms() {
		m.enter(m.talks[key])
	}
	if m.account {
		m.readContacts(0)
	}
	m.look()
}

func (m *model) readContacts(skip int) {
	m.do(ask{aboutContacts{skip}, &lime.Command{Method: lime.MethodGet, URI: "/contacts?take=500&skip=" + strconv.Itoa(skip)}})
}

// enter has a room entered, and what it keeps of what was missed.
func (m *model) enter(t *talk) {
	m.do(ask{aboutEntering{t.key}, m.aboutRoom(lime.MethodSubscribe, t, func(d *room.Document) { d.Presence, d.Since = true, &t.position })})
}

// aboutRoom is a command about a room.
func (m *model) aboutRoom(method lime.Method, t *talk, more func(*room.Document)) *lime.Command {
	d := room.NewDocument(m.me.Domain, room.Name(t.key))
	if more != nil {
		more(&d)
	}
	return &lime.Command{Method: method, URI: "/rooms", Type: lime.MediaRoom, Resource: resource(d)}
}

// resource is a document of this program's own, which can always be written.
func resource(v any) json.RawMessage {
	b, err := lime.MarshalJSON(v)
	if err != nil {
		panic(fmt.Sprintf("chat: write %T: %v", v, err))
	}
	return b
}

// takeMessage shows a message.
func (m *model) takeMessage(e *lime.Message) {
	if e.From.IsZero() {
		return
	}
	t, from := m.whereFrom(e)
	if t == nil {
		return
	}
	own := t.kind != withPerson && from.EqualFold(m.me)
	if e.Type == mediaChatState {
		m.takeChatState(t, e)
		return
	}
	if t.kind == inRoom {
		if p, err := strconv.ParseUint(e.Metadata["#room.position"], 10, 64); err == nil {
			t.position = max(t.position, p)
		}
	}
	delete(m.writing, t.key)
	id := e.ID
	if id == "" {
		id = m.newID()
	}
	if known := t.find(id, own, from); known != nil {
		if own { // who hears itself has been heard
			m.progressed(id, accepted, "")
		}
		return
	}
	l := &line{id: id, own: own, from: from, at: m.timeSent(e)}
	if own {
		l.progress = accepted
	} else if e.ID != "" && t.kind != inRoom {
		l.reply = senderOf(e)
	}
	l.text = m.contentOf(t, l, e)
	m.add(t, l)
	if t.kind == withPerson && m.account && !t.asked {
		if _, known := m.contacts[t.key]; !known && !from.EqualFold(m.me) {
			t.asked = true
			m.note(t, oneLine(from.String())+" is none of your contacts. !accept lets them see whether you are here.")
		}
	}
	if m.looking(t) {
		m.look()
	} else if !own {
		t.unread++
	}
}

// whereFrom is a message's conversation and its sender.
func (m *model) whereFrom(e *lime.Message) (*talk, lime.Identity) {
	for _, n := range []lime.Node{e.To, e.From} {
		if _, ok := lime.OfRooms(n.Domain); !ok {
			continue
		}
		name, err := room.FromAddress(n.Name)
		if err != nil {
			continue
		}
		t := m.talks[string(name)]
		if t == nil {
			return nil, lime.Identity{} // it was left
		}
		return t, memberOf(e.From)
	}
	if _, ok := lime.OfGroups(e.From.Domain); ok {
		return m.person(e.From.Identity), memberOf(e.From)
	}
	return m.person(e.From.Identity), e.From.Identity
}

// memberOf is who has written what comes from a room or a group.
func memberOf(from lime.Node) lime.Identity {
	if who, err := lime.ParseGroupSender(from.Instance); err == nil {
		return who
	}
	return lime.Identity{Name: from.Instance}
}

func senderOf(e *lime.Message) lime.Node {
	if e.PP.IsZero() {
		return e.From
	}
	return e.PP
}

// timeSent is when a message was sent, if its sender says so and can be right.
func (m *model) timeSent(e *lime.Message) time.Time {
	at, err := time.Parse(time.RFC3339, e.Metadata["sent"])
	if err != nil || at.After(m.now) || at.Before(m.now.Add(-oldest)) {
		return m.now
	}
	return at
}

// contentOf is what is shown of a message. A file gets a number.
func (m *model) contentOf(t *talk, l *line, e *lime.Message) string {
	var link lime.MediaLink
	if e.Type != lime.MediaLinkType || json.Unmarshal(e.Content, &link) != nil || link.URI == "" {
		return plain(words.Content(e.Type, e.Content))
	}
	m.number++
	l.file = m.number
	m.files = append(m.files, file{m.number, t.key, l, link, l.from})
	if len(m.files) > maxFiles {
		m.files = m.files[1:]
	}
	return describe(link)
}

// describe is what is shown of a link to a file.
func describe(link lime.MediaLink) string {
	name := oneLine(link.Title)
	if name == "" {
		name = "a file"
	}
	more := []string{oneLine(link.Type)}
	if link.Size > 0 {
		more = append(more, size(link.Size))
	}
	text := cut(name, 200) + " (" + strings.Join(more, ", ") + ")"
	if about := oneLine(link.Text); about != "" {
		text += ": " + about
	}
	return text
}

func (m *model) takeChatState(t *talk, e *lime.Message) {
	var said struct{ State string }
	if t.kind != withPerson || json.Unmarshal(e.Content, &said) != nil {
		return
	}
	if !strings.EqualFold(said.State, "composing") {
		delete(m.writing, t.key)
	} else if _, known := m.writing[t.key]; known || len(m.writing) < maxWriting {
		m.writing[t.key] = m.now.Add(writingFor)
	}
}

func (m *model) takeNotification(n *lime.Notification) {
	if p, ok := progressOf(n.Event); ok {
		why := ""
		if p == failed {
			why = "without a reason"
			if n.Reason != nil {
				why = n.Reason.Error()
			}
		}
		m.progressed(n.ID, p, why)
	}
}

// takeObserved takes what nobody has asked for.
func (m *model) takeObserved(c *lime.Command) {
	switch path, _, _ := strings.Cut(c.URI, "?"); strings.ToLower(path) {
	case "/presence":
		var p lime.Presence
		if c.From.IsZero() || json.Unmarshal(c.Resource, &p) != nil {
			return
		}
		key := fold(c.From.Identity)
		if _, known := m.statuses[key]; known || len(m.statuses) < maxStatuses {
			m.statuses[key] = p
		}
	case "/rooms":
		var d room.Document
		if json.Unmarshal(c.Resource, &d) != nil {
			return
		}
		m.takeRoom(&d)
	}
}

// takeRoom takes what is told of a room.
func (m *model) takeRoom(d *room.Document) {
	name, err := room.Of(d.Room)
	t := m.talks[string(name)]
	if err != nil || t == nil {
		return
	}
	if d.Ended {
		t.joined, t.occupants, t.count = false, nil, 0
		m.keepRooms()
		m.note(t, "You were put out of this room.")
		return
	}
	if d.Continuous != nil && !*d.Continuous && t.position > 0 {
		m.note(t, "Something may be missing here.")
	}
	if d.Count != nil {
		t.count = *d.Count
	}
	switch {
	case d.Occupants != nil:
		t.occupants = map[string]lime.Identity{}
	case t.occupants == nil:
		t.occupants = map[string]lime.Identity{}
	case d.Count != nil && d.Joined == nil && d.Left == nil:
		clear(t.occupants) // there are too many
	}
	for _, who := range slices.Concat(d.Occupants, d.Joined) {
		if len(t.occupants) < maxStatuses {
			t.occupants[fold(who)] = who
		}
	}
	for _, who := range d.Left {
		delete(t.occupants, fold(who))
	}
}

// takeAnswer takes the answer to a command.
func (m *model) takeAnswer(a answered) {
	why := ""
	if a.err != nil {
		why = reasonOf(a.err)
	}
	switch about := a.about.(type) {
	case aboutContacts:
		m.takeContacts(about, a)
	case aboutContact:
		m.takeContact(about, a.err, why)
	case aboutEntering:
		m.takeEntering(about, a, why)
	case aboutLeaving:
		if a.err != nil && !a.lost {
			m.say("leave %s: %s", about.key, why)
		}
	case aboutMembers:
		m.takeMembers(about, a, why)
	case aboutGroup:
		m.takeGroup(about, a, why)
	case aboutPresence:
		if a.err != nil {
			m.say("your status: %s", why)
			return
		}
		m.status = about.presence.Status
		m.say("others see you as %s", m.status)
	default:
		panic(fmt.Sprintf("chat: an answer about %T", a.about))
	}
}

func (m *model) takeContacts(about aboutContacts, a answered) {
	if a.err != nil {
		if !a.lost {
			m.say("read the contacts: %s", reasonOf(a.err))
		}
		return
	}
	var page struct {
		Total int            `json:"total"`
		Items []lime.Contact `json:"items"`
	}
	if err := json.Unmarshal(a.answer.Resource, &page); err != nil {
		m.say("read the contacts: %v", err)
		return
	}
	if about.skip == 0 {
		clear(m.contacts)
	}
	for _, c := range page.Items {
		if !c.Pending() && len(m.contacts) < maxStatuses {
			m.contacts[fold(c.Identity)] = c.Identity
		}
	}
	if next := about.skip + len(page.Items); len(page.Items) > 0 && next < page.Total && next < maxStatuses {
		m.readContacts(next)
	}
}

func (m *model) takeContact(about aboutContact, err error, why string) {
	key := fold(about.who)
	switch {
	case err != nil:
		m.say("%s: %s", about.who, why)
	case about.remove:
		delete(m.contacts, key)
		delete(m.statuses, key)
		m.say("%s is no contact of yours any more", about.who)
	default:
		m.contacts[key] = about.who
		m.say("%s is a contact of yours, and sees whether you are here", about.who)
	}
}

func (m *model) takeEntering(about aboutEntering, a answered, why string) {
	t := m.talks[about.key]
	switch {
	case t == nil || a.lost:
	case a.err != nil:
		t.joined = false
		m.keepRooms()
		if about.key == lobby && len(t.lines) == 0 {
			m.leaveLobby() // no cluster has to have one
			return
		}
		m.note(t, "You cannot enter this room: "+why)
	default:
		var d room.Document
		if json.Unmarshal(a.answer.Resource, &d) == nil {
			m.takeRoom(&d)
		}
	}
}

// leaveLobby takes the lobby off the list when there is none.
func (m *model) leaveLobby() {
	delete(m.talks, lobby)
	if m.current != lobby {
		return
	}
	m.current = ""
	if all := m.entries(); len(all) > 0 {
		m.open(m.opened(all[0]))
	}
}

func (m *model) takeMembers(about aboutMembers, a answered, why string) {
	within := m.talks[about.within]
	if a.err != nil {
		m.note(within, about.key+": "+why)
		return
	}
	var d room.Document
	if err := json.Unmarshal(a.answer.Resource, &d); err != nil {
		m.note(within, about.key+": "+err.Error())
		return
	}
	m.tellMembers(within, about.key, &d)
}

// tellMembers tells who is in a room.
func (m *model) tellMembers(within *talk, key string, d *room.Document) {
	var names []string
	for _, who := range d.Occupants {
		names = append(names, m.shortOrYou(who))
	}
	slices.Sort(names)
	text := key + ": nobody is there"
	if len(names) > 0 {
		text = fmt.Sprintf("%s: %d here: %s", key, len(names), strings.Join(names, ", "))
	} else if d.Count != nil && *d.Count > 0 {
		text = fmt.Sprintf("%s: %d sessions are there", key, *d.Count)
	}
	m.note(within, text)
}

// takeGroup tells who is in a group.
func (m *model) takeGroup(about aboutGroup, a answered, why string) {
	var page struct {
		Total int `json:"total"`
		Items []struct {
			Address lime.Node `json:"address"`
		} `json:"items"`
	}
	err := a.err
	if err == nil {
		if err = json.Unmarshal(a.answer.Resource, &page); err != nil {
			why = err.Error()
		}
	}
	t := m.talks[about.key]
	if err != nil {
		m.note(t, about.key+": "+why)
		return
	}
	var names []string
	for _, one := range page.Items {
		names = append(names, m.shortOrYou(one.Address.Identity))
	}
	m.note(t, fmt.Sprintf("%s: %d members: %s", about.key, max(page.Total, len(names)), strings.Join(names, ", ")))
}

// foundAgain shows an own message of an earlier process, which waits still.
func (m *model) foundAgain(e *lime.Message) {
	var t *talk
	if _, ok := lime.OfRooms(e.To.Domain); ok {
		name, err := room.FromAddress(e.To.Name)
		if err != nil {
			return
		}
		t = m.room(name)
	} else if !e.To.IsZero() {
		t = m.person(e.To.Identity)
	}
	if t == nil || t.find(e.ID, true, m.me) != nil {
		return
	}
	l := &line{id: e.ID, own: true, from: m.me, at: m.timeSent(e), sent: e}
	l.text = m.contentOf(t, l, e)
	m.add(t, l)
}

// reasonOf is an error as people read it.
func reasonOf(err error) string {
	why := new(lime.Reason)
	switch {
	case errors.As(err, &why):
		return why.Error()
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "there was no answer in time"
	}
	return err.Error()
}
