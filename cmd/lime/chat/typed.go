package chat

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"limegrove/lime"
	"limegrove/room"
)

// press does what a key says.
func (m *model) press(k key) {
	t := m.talks[m.current]
	switch k.code {
	case keyNone:
	case keyQuit:
		m.do(quit{})
	case keyEnter:
		m.enterPressed()
	case keyNext, keyPrevious:
		by := 1
		if k.code == keyPrevious {
			by = -1
		}
		m.step(by, false)
	case keyTab:
		if !m.complete() {
			m.step(1, true)
		}
	case keyList:
		m.listed = m.narrow() && !m.listed
		m.look()
	case keyEscape:
		m.listed, m.notice = false, ""
		if t != nil {
			t.scroll = 0
		}
		m.look()
	case keyPageUp:
		m.scroll(t, max(m.lineRows()-1, 1))
	case keyPageDown:
		m.scroll(t, -max(m.lineRows()-1, 1))
	case keyText, keyLineEnd:
		text := k.text
		if k.code == keyLineEnd {
			text = "\n"
		}
		if !m.input.insert(text) {
			m.say("that is as long as a message can be")
		}
		m.listed = false
		m.sayWriting(t)
	default:
		if m.input.edit(k) {
			m.sayWriting(t)
		}
	}
}

// scroll moves a conversation by so many rows, within its beginning and its end.
func (m *model) scroll(t *talk, rows int) {
	if t == nil {
		return
	}
	t.scroll = min(max(t.scroll+rows, 0), max(m.rowsIn(t)-m.lineRows(), 0))
}

// sayWriting tells the other one that something is being written, now and then: nobody minds if it is lost.
func (m *model) sayWriting(t *talk) {
	text := strings.TrimSpace(m.input.text)
	if t == nil || t.kind != withPerson || text == "" || isCommand(text) || m.conn.state != online || !m.isHere(t.key) || m.now.Sub(m.saidWriting) < writingEvery {
		return
	}
	m.saidWriting = m.now
	m.do(sayWriting{t.with})
}

// isCommand tells whether a line is one. Two marks begin a message that has one.
func isCommand(text string) bool {
	return strings.HasPrefix(text, "!") && !strings.HasPrefix(text, "!!")
}

// enterPressed takes what was typed.
func (m *model) enterPressed() {
	text := strings.TrimSpace(m.input.take())
	switch {
	case text == "":
		m.listed = false
		m.look()
	case isCommand(text):
		m.notice = ""
		m.command(text)
	default:
		t := m.talks[m.current]
		if t == nil {
			m.say("!talk NAME opens a conversation")
			return
		}
		if strings.HasPrefix(text, "!!") {
			text = text[1:]
		}
		m.listed = false
		m.send(t, text, lime.MediaText, text, nil)
	}
}

// command is one that is typed.
type command struct {
	name  string
	takes string
	about string
	does  func(m *model, rest string)
}

// commands are all of them, in the order in which help shows them. It is a function, since help shows them.
func commands() []command {
	return []command{
		{"help", "", "show this", (*model).help},
		{"talk", "WHO", "open a conversation; WHO is a name, or name@domain", (*model).openTalk},
		{"add", "[WHO]", "make somebody a contact, who sees whether you are here", (*model).addContact},
		{"accept", "[WHO]", "the same, of who has written first", (*model).addContact},
		{"remove", "[WHO]", "no longer have somebody for a contact", (*model).removeContact},
		{"join", "ROOM", "enter a room, or make it: #name, or a path such as /ride/42", (*model).join},
		{"leave", "[ROOM]", "leave a room", (*model).leave},
		{"rooms", "", "list the rooms that you are in", (*model).listRooms},
		{"members", "[ROOM]", "tell who is in a room or a group", (*model).members},
		{"upload", "PATH", "send a file", (*model).uploadFile},
		{"get", "N [DIRECTORY]", "fetch file N, into . or a directory", (*model).getFile},
		{"cancel", "", "end what is being sent or fetched", func(m *model, _ string) { m.do(cancel{}) }},
		{"again", "", "send again what has failed here", (*model).sendAgain},
		{"status", "STATUS [TEXT]", "be available, away, busy or invisible to others", (*model).setStatus},
		{"connect", "", "try at once to connect", func(m *model, _ string) { m.do(reconnect{}) }},
		{"quit", "", "end this; what is not sent yet waits on disk", func(m *model, _ string) { m.do(quit{}) }},
	}
}

// command does what was typed.
func (m *model) command(text string) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(text, "!"), " ")
	for _, c := range commands() {
		if !strings.EqualFold(c.name, name) {
			continue
		}
		rest = strings.TrimSpace(rest)
		if rest == "" && c.takes != "" && c.takes[0] != '[' {
			m.say("it is !%s %s", c.name, c.takes)
			return
		}
		c.does(m, rest)
		return
	}
	m.say("there is no !%s; !help has what there is, and !! begins a message with a !", name)
}

// complete completes the name of a command, as far as there is one.
func (m *model) complete() bool {
	text := m.input.text
	if !isCommand(text) || m.input.cursor != len(text) || strings.Contains(text, " ") {
		return false
	}
	var fits []string
	for _, c := range commands() {
		if strings.HasPrefix(c.name, strings.ToLower(text[1:])) {
			fits = append(fits, "!"+c.name)
		}
	}
	switch len(fits) {
	case 0:
	case 1:
		m.input.text = fits[0] + " "
		m.input.cursor = len(m.input.text)
	default:
		m.say("%s", strings.Join(fits, " "))
	}
	return true
}

func (m *model) help(string) {
	var b strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&b, "%s: %s\n", strings.TrimSpace("!"+c.name+" "+c.takes), c.about)
	}
	b.WriteString("Enter sends, Alt-Enter begins a line. Ctrl-N and Ctrl-P go down and up the list, Tab to what is new.\n")
	b.WriteString("PgUp and PgDn scroll, ↑ and ↓ bring back what was typed, Ctrl-L shows the list in a narrow window.\n")
	b.WriteString("… waits to be sent, ✓ is stored, ✓✓ has come, ✓✓✓ was read, ✗ has failed.")
	m.note(m.talks[m.current], b.String())
}

// who is whom somebody has named: a name, name@domain, or, for nothing, the other one of this conversation.
func (m *model) who(text string) (lime.Identity, bool) {
	if text == "" {
		if t := m.talks[m.current]; t != nil && t.kind == withPerson {
			return t.with, true
		}
		m.say("whom? A name, or name@domain")
		return lime.Identity{}, false
	}
	who, err := lime.ParseIdentity(text)
	if who.Domain == "" {
		who.Domain = m.me.Domain
	}
	if err != nil || who.Name == "" || who.Domain == "" || strings.ContainsAny(who.Domain, "/ ") || strings.ContainsAny(text, " \n/") {
		m.say("%q is no name, and no name@domain", text)
		return lime.Identity{}, false
	}
	return who, true
}

func (m *model) openTalk(rest string) {
	if strings.HasPrefix(rest, "#") || strings.HasPrefix(rest, "/") {
		m.join(rest)
		return
	}
	if who, ok := m.who(rest); ok {
		m.open(m.person(who))
	}
}

func (m *model) addContact(rest string) {
	who, ok := m.who(rest)
	switch {
	case !ok:
	case !m.account:
		m.say("guests have no contacts: `lime login` makes an account, or a password is wanted")
	case who.EqualFold(m.me):
		m.say("that is you")
	default:
		m.do(ask{aboutContact{who, false}, &lime.Command{
			Method: lime.MethodSet, URI: "/contacts", Type: lime.MediaContact, Resource: resource(lime.Contact{Identity: who}),
		}})
	}
}

func (m *model) removeContact(rest string) {
	if who, ok := m.who(rest); ok {
		m.do(ask{aboutContact{who, true}, &lime.Command{Method: lime.MethodDelete, URI: "/contacts/" + url.PathEscape(who.String())}})
	}
}

// maxShort is how many bytes a room's short name has.
const maxShort = 64

// roomNamed is the room that somebody has named; for nothing that of this conversation.
func (m *model) roomNamed(text string) (room.Name, bool) {
	if text == "" {
		if t := m.talks[m.current]; t != nil && t.kind == inRoom {
			return room.Name(t.key), true
		}
		m.say("which room? #name, or a path such as /ride/42")
		return "", false
	}
	var name room.Name
	var err error
	switch {
	case strings.HasPrefix(text, "{"):
		name, err = room.Of(json.RawMessage(text))
	case strings.HasPrefix(text, "/"):
		name, err = room.Of(resource(text))
	default:
		short := strings.ToLower(strings.TrimPrefix(text, "#"))
		if short == "" || len(short) > maxShort || strings.ContainsFunc(short, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N) && r != '-' && r != '_' }) {
			m.say("%q is no room: its name has letters, digits, hyphens and underscores, or it is a path such as /ride/42", text)
			return "", false
		}
		name, err = room.Path(strings.Trim(roomsWithin, "/"), short)
	}
	if err != nil {
		m.say("%q is no room: %v", text, err)
		return "", false
	}
	return name, true
}

func (m *model) join(rest string) {
	name, ok := m.roomNamed(rest)
	if !ok {
		return
	}
	t := m.room(name)
	if !t.joined {
		if len(m.rooms()) >= maxRooms {
			m.say("you are in %d rooms: leave one before", maxRooms)
			return
		}
		t.joined = true
		m.keepRooms()
		if m.conn.state == online {
			m.enter(t)
		}
	}
	m.open(t)
}

func (m *model) leave(rest string) {
	name, ok := m.roomNamed(rest)
	if !ok {
		return
	}
	t := m.talks[string(name)]
	if t == nil || !t.joined {
		m.say("you are not in %s", name)
		return
	}
	t.joined, t.occupants, t.count = false, nil, 0
	m.keepRooms()
	if m.conn.state == online {
		m.do(ask{aboutLeaving{t.key}, m.aboutRoom(lime.MethodUnsubscribe, t, nil)})
	}
	if t.key == m.current {
		if all := m.entries(); len(all) > 1 {
			m.step(1, false)
		}
	}
	m.forget(t, t.lines)
	delete(m.talks, t.key)
	if t.key == m.current {
		m.current = ""
	}
	m.say("you have left %s", t.title)
}

func (m *model) keepRooms() {
	m.do(keepRooms{slices.DeleteFunc(m.rooms(), func(key string) bool { return key == lobby })})
}

func (m *model) listRooms(string) {
	var rows []string
	for _, e := range m.entries() {
		if t := m.talks[e.key]; t != nil && t.joined {
			row := t.key
			if t.count > 0 {
				row += fmt.Sprintf(", %d here", t.count)
			}
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		rows = []string{"You are in no room. !join #name enters one."}
	}
	m.note(m.talks[m.current], strings.Join(rows, "\n"))
}

func (m *model) members(rest string) {
	if t := m.talks[m.current]; rest == "" && t != nil && t.kind == inGroup {
		m.do(ask{aboutGroup{t.key}, &lime.Command{Method: lime.MethodGet, URI: "/groups/" + url.PathEscape(t.with.String()) + "/members?take=100"}})
		return
	}
	name, ok := m.roomNamed(rest)
	if !ok {
		return
	}
	if m.conn.state != online {
		m.say("there is no connection")
		return
	}
	if name[0] != '/' { // a path alone can be asked about
		t := m.talks[string(name)]
		if t == nil {
			m.say("you are not in %s", name)
			return
		}
		d := room.Document{Count: &t.count, Occupants: slices.Collect(maps.Values(t.occupants))}
		m.tellMembers(m.talks[m.current], string(name), &d)
		return
	}
	_, segments := name.Split()
	uri := "/rooms"
	for _, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil { // a name escapes what stands between its parts
			s = plain
		}
		uri += "/" + url.PathEscape(s)
	}
	m.do(ask{aboutMembers{string(name), m.current}, &lime.Command{Method: lime.MethodGet, URI: uri}})
}

func (m *model) uploadFile(rest string) {
	t := m.talks[m.current]
	if t == nil {
		m.say("!talk NAME opens a conversation")
		return
	}
	m.upload(t, rest)
}

func (m *model) getFile(rest string) {
	number, into, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(strings.TrimPrefix(number, "#"))
	f, ok := m.fileOf(n)
	if err != nil || !ok {
		m.say("there is no file %s: files that come have a number", number)
		return
	}
	m.download(f, strings.TrimSpace(into))
}

func (m *model) sendAgain(string) {
	if t := m.talks[m.current]; t != nil {
		m.again(t)
	}
}

func (m *model) setStatus(rest string) {
	word, text, _ := strings.Cut(rest, " ")
	s := lime.Status(strings.ToLower(word))
	if !slices.Contains([]lime.Status{lime.StatusAvailable, lime.StatusAway, lime.StatusBusy, lime.StatusInvisible}, s) {
		m.say("a status is available, away, busy or invisible")
		return
	}
	p := lime.Presence{Status: s, Message: strings.TrimSpace(text), RoutingRule: lime.RouteIdentity}
	m.do(show{aboutPresence{p}, p})
}
