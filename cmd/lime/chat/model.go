package chat

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"limegrove/lime"
	"limegrove/room"
)

const (
	// maxFiles is how many files are remembered by their numbers.
	maxFiles = 200
	// maxStatuses is how many presences are: no account has more contacts by default.
	maxStatuses = 5000
	// maxWriting is of how many it is known that they are writing.
	maxWriting = 100
	// maxRooms is how many rooms are entered.
	maxRooms = 20

	// writingFor is how long somebody who said so is believed to write, and writingEvery how often it is said.
	writingFor, writingEvery = 5 * time.Second, 3 * time.Second
	// noticeFor is how long something is said below.
	noticeFor = 8 * time.Second
	// oldest is how old a message can say that it is.
	oldest = 31 * 24 * time.Hour
)

// roomsWithin is where rooms with short names are, and lobby the one in which everybody is: they are the chat page's.
const (
	roomsWithin = "/chat/"
	lobby       = "/chat/lobby"
)

// mediaChatState is the type of what says that somebody is writing. LIME, content types.
const mediaChatState = "application/vnd.lime.chatstate+json"

// file is one that came or was sent.
type file struct {
	number int
	talk   string
	line   *line
	link   lime.MediaLink
	from   lime.Identity
}

// model is all that is shown.
type model struct {
	now           time.Time
	width, height int
	listed        bool // in a narrow window the list is shown and not a conversation
	focused       bool

	conn    connection
	retryAt time.Time     // while there is none
	first   string        // what is to be opened when it is known who this is; "" for nothing
	me      lime.Identity // zero until it is known
	account bool          // it has contacts, which guests have not
	status  lime.Status

	talks    map[string]*talk
	current  string // key; "" for none
	contacts map[string]lime.Identity
	statuses map[string]lime.Presence
	writing  map[string]time.Time
	own      map[string]*talk // of own messages, by their ids
	files    []file
	number   int // of the last file

	input       editor
	saidWriting time.Time
	notice      string
	noticeUntil time.Time

	newID func() string
	todo  []effect
}

// effect is one of those of effect.go.
type effect any

// newModel is before anything has happened. me may be without a domain, or nobody.
func newModel(me lime.Identity, account bool, rooms []string) *model {
	m := &model{
		me: me, account: account, focused: true, status: lime.StatusAvailable,
		talks: map[string]*talk{}, contacts: map[string]lime.Identity{}, statuses: map[string]lime.Presence{},
		writing: map[string]time.Time{}, own: map[string]*talk{}, newID: rand.Text,
	}
	for _, name := range append([]string{lobby}, rooms...) {
		if n, err := room.Parse(name); err == nil && len(m.rooms()) < maxRooms {
			m.room(n).joined = true
		}
	}
	m.current = lobby
	return m
}

// update changes the model, and returns what is to be done.
func (m *model) update(now time.Time, event any) []effect {
	m.now, m.todo = now, nil
	switch e := event.(type) {
	case resized:
		m.width, m.height = e.width, e.height
		m.listed = m.listed && m.narrow()
		m.look()
	case focused:
		m.focused = e.on
		if e.on && m.conn.state == away { // who comes back to it may have brought a network
			m.do(reconnect{})
		}
		m.look()
	case key:
		m.press(e)
	case pasted:
		if !m.input.insert(e.text) {
			m.say("that is too long for a message")
		}
	case tick:
	case opening:
		if m.first = e.with; m.me.Domain != "" {
			m.openFirst()
		}
	case connection:
		m.connected(e)
	case found:
		m.foundAgain(e.message)
	case came:
		m.takeMessage(e.message)
	case notified:
		m.takeNotification(e.notification)
	case observed:
		m.takeObserved(e.command)
	case published:
		if e.err == nil {
			m.progressed(e.id, accepted, "")
		} else {
			m.progressed(e.id, failed, reasonOf(e.err))
		}
	case answered:
		m.takeAnswer(e)
	case unrenewed:
		m.say("your certificate is to be renewed: %s", reasonOf(e.err))
	case moved:
		m.takeMoved(e)
	case uploaded:
		m.takeUploaded(e)
	case fetched:
		m.takeFetched(e)
	default:
		panic(fmt.Sprintf("chat: no such event: %T", event))
	}
	if m.notice != "" && !now.Before(m.noticeUntil) {
		m.notice = ""
	}
	maps.DeleteFunc(m.writing, func(_ string, until time.Time) bool { return !now.Before(until) })
	return m.todo
}

func (m *model) do(e effect) { m.todo = append(m.todo, e) }

// say says something below, for a while.
func (m *model) say(format string, args ...any) {
	m.notice, m.noticeUntil = oneLine(fmt.Sprintf(format, args...)), m.now.Add(noticeFor)
}

// note says something in a conversation.
func (m *model) note(t *talk, text string) {
	if t == nil {
		m.say("%s", text)
		return
	}
	m.add(t, &line{id: m.newID(), note: true, text: plain(text), at: m.now})
}

// narrow tells whether the window has room for one thing alone.
func (m *model) narrow() bool { return m.width < narrowBelow }

// looking tells whether a conversation is being looked at.
func (m *model) looking(t *talk) bool {
	return t != nil && t.key == m.current && m.focused && !(m.narrow() && m.listed)
}

// look says of what is seen now that it was read.
func (m *model) look() {
	t := m.talks[m.current]
	if !m.looking(t) {
		return
	}
	t.unread = 0
	if m.conn.state != online {
		return
	}
	for _, l := range t.lines {
		if !l.reply.IsZero() {
			m.do(sayConsumed{l.id, l.reply})
			l.reply = lime.Node{}
		}
	}
}

// Conversations

func fold(i lime.Identity) string { return i.Fold().String() }

func (m *model) person(i lime.Identity) *talk {
	k := withPerson
	if _, ok := lime.OfGroups(i.Domain); ok {
		k = inGroup
	}
	return m.talk(fold(i), func() *talk { return &talk{kind: k, title: oneLine(m.short(i)), with: i} })
}

func (m *model) room(n room.Name) *talk {
	title := string(n)
	switch short, ok := strings.CutPrefix(title, roomsWithin); {
	case title == lobby:
		title = "Lobby"
	case ok && !strings.Contains(short, "/"):
		title = "#" + short
	}
	return m.talk(string(n), func() *talk { return &talk{kind: inRoom, title: oneLine(title)} })
}

// talk is the conversation with a key, which may be a new one.
func (m *model) talk(key string, begin func() *talk) *talk {
	t := m.talks[key]
	if t != nil {
		return t
	}
	t = begin()
	t.key = key
	m.talks[key] = t
	if len(m.talks) > maxTalks {
		m.forgetOne(key)
	}
	return t
}

// openFirst opens what the command line says.
func (m *model) openFirst() {
	if m.first != "" {
		m.openTalk(m.first)
	}
	m.first = ""
}

// forgetOne forgets the conversation in which nothing has happened for longest, but for one, the one that is shown,
// rooms that are to be entered, and those with messages that wait to be sent.
func (m *model) forgetOne(but string) {
	var oldest *talk
	for _, t := range m.talks {
		if t.key == but || t.key == m.current || t.joined || slices.ContainsFunc(t.lines, func(l *line) bool { return l.own && l.progress == waiting }) {
			continue
		}
		if oldest == nil || t.last.Before(oldest.last) || t.last.Equal(oldest.last) && t.key < oldest.key {
			oldest = t
		}
	}
	if oldest == nil {
		return // as many as this are all the user's own doing
	}
	m.forget(oldest, oldest.lines)
	delete(m.talks, oldest.key)
}

func (m *model) forget(t *talk, lines []*line) {
	for _, l := range lines {
		if l.own && m.own[l.id] == t {
			delete(m.own, l.id)
		}
	}
}

// add puts a line into a conversation. Who reads further up goes on reading there.
func (m *model) add(t *talk, l *line) {
	m.forget(t, t.add(l))
	if l.own {
		m.own[l.id] = t
	}
	if t.scroll > 0 {
		t.scroll += m.rowsOf(l)
	}
}

// rooms are the keys of those that are to be entered.
func (m *model) rooms() []string {
	var keys []string
	for _, t := range m.talks {
		if t.joined {
			keys = append(keys, t.key)
		}
	}
	slices.Sort(keys)
	return keys
}

// short is an identity as it is called here: by its name, if it is of the own domain.
func (m *model) short(i lime.Identity) string {
	if strings.EqualFold(i.Domain, m.me.Domain) {
		return i.Name
	}
	return i.String()
}

// shortOrYou is likewise, for people to read.
func (m *model) shortOrYou(i lime.Identity) string {
	if i.EqualFold(m.me) {
		return "you"
	}
	return oneLine(m.short(i))
}

// called is what a line's sender is called.
func (m *model) called(l *line) string {
	if l.own {
		return "you"
	}
	return oneLine(m.short(l.from))
}

// isHere tells whether somebody is known to be in session.
func (m *model) isHere(key string) bool {
	if p, ok := m.statuses[key]; ok && p.Status != lime.StatusUnavailable {
		return true
	}
	for _, t := range m.talks {
		if _, ok := t.occupants[key]; ok {
			return true
		}
	}
	return false
}

// presence is what to say of somebody, "" when that is not known.
func (m *model) presence(key string) string {
	if m.conn.state != online {
		return ""
	}
	switch p := m.statuses[key]; p.Status {
	case lime.StatusBusy:
		return "busy"
	case lime.StatusAway:
		return "away"
	}
	if m.isHere(key) {
		return "here"
	}
	return "not here"
}

// entry is one of the list.
type entry struct {
	key, title string
	kind       kind
	with       lime.Identity // of a person or a group
	unread     int
	last       time.Time
	stranger   bool // has written, and is no contact
	here       bool
}

// entries are the list: rooms, then people and groups, of whom the latest come first, and those who are here before others.
func (m *model) entries() []entry {
	var all []entry
	for _, t := range m.talks {
		if t.kind == inRoom && !t.joined && len(t.lines) == 0 && t.key != m.current {
			continue
		}
		_, known := m.contacts[t.key]
		all = append(all, entry{t.key, t.title, t.kind, t.with, t.unread, t.last, t.asked && !known, m.isHere(t.key)})
	}
	for key, who := range m.contacts {
		if m.talks[key] == nil {
			all = append(all, entry{key: key, title: oneLine(m.short(who)), with: who, here: m.isHere(key)})
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		if ra, rb := a.kind == inRoom, b.kind == inRoom; ra != rb {
			return order(rb, ra)
		} else if ra {
			return cmp.Or(order(b.key == lobby, a.key == lobby), cmp.Compare(a.key, b.key))
		}
		return cmp.Or(b.last.Compare(a.last), order(b.here, a.here), cmp.Compare(a.key, b.key))
	})
	return all
}

// order has true after false.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// open shows a conversation.
func (m *model) open(t *talk) {
	m.current, m.listed, t.scroll = t.key, false, 0
	m.look()
}

// step shows the conversation so many further down the list, or the next with something new.
func (m *model) step(by int, unread bool) {
	all := m.entries()
	if len(all) == 0 {
		return
	}
	at := max(slices.IndexFunc(all, func(e entry) bool { return e.key == m.current }), 0)
	for i := 1; i <= len(all); i++ {
		next := all[((at+by*i)%len(all)+len(all))%len(all)]
		if unread && next.unread == 0 {
			continue
		}
		listed := m.listed
		m.open(m.opened(next))
		m.listed = listed && !unread
		return
	}
}

// opened is the conversation of an entry.
func (m *model) opened(e entry) *talk {
	if t := m.talks[e.key]; t != nil {
		return t
	}
	return m.person(e.with)
}

// unread is how many lines are, in all.
func (m *model) unread() (n int) {
	for _, t := range m.talks {
		n += t.unread
	}
	return n
}

// Sending

// send sends a message, and shows it.
func (m *model) send(t *talk, text, mediaType string, content any, l *line) {
	body, err := json.Marshal(content)
	if err != nil {
		m.say("%v", err)
		return
	}
	to, ok := m.address(t)
	if !ok {
		m.say("there was no connection yet, so that it is not known where %s is", t.title)
		return
	}
	if l == nil {
		l = &line{own: true, from: m.me, text: plain(text), at: m.now}
	}
	l.id = m.newID()
	m.add(t, l)
	t.scroll = 0
	m.transmit(t, l, &lime.Message{
		ID: l.id, To: to, Type: mediaType, Content: body, Metadata: lime.Metadata{"sent": lime.FormatTime(m.now)},
	})
}

func (m *model) transmit(t *talk, l *line, message *lime.Message) {
	l.progress, l.why, l.sent = waiting, "", message
	m.own[l.id] = t
	m.do(publish{message})
}

// address is where a conversation's messages go.
func (m *model) address(t *talk) (to lime.Node, ok bool) {
	if t.kind != inRoom {
		return lime.Node{Identity: t.with}, true
	}
	if m.me.Domain == "" {
		return to, false
	}
	return lime.Node{Identity: lime.Identity{Name: room.Name(t.key).Address(), Domain: lime.RoomsDomain(m.me.Domain)}}, true
}

// progressed notes how far an own message has come.
func (m *model) progressed(id string, p progress, why string) {
	t := m.own[id]
	if t == nil {
		return
	}
	l := t.find(id, true, m.me)
	switch {
	case l == nil, l.progress == failed && p != accepted, p == failed && l.progress == consumed, p != failed && l.progress != failed && p <= l.progress:
		return
	}
	l.progress, l.why = p, plain(why)
	if p != failed {
		l.sent = nil
	}
}

// again sends what has failed in a conversation once more, with the same ids.
func (m *model) again(t *talk) {
	n := 0
	for _, l := range t.lines {
		if l.own && l.progress == failed && l.sent != nil {
			m.transmit(t, l, l.sent)
			n++
		}
	}
	if n == 0 {
		m.say("nothing has failed here that can be sent again")
	}
}
