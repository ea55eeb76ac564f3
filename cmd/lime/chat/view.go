package chat

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// narrowBelow is the width below which a window shows one thing at a time, the list or a conversation.
	narrowBelow = 60
	// tightBelow is the width below which lines go without times.
	tightBelow = 36

	ticksWidth = 4 // with a space
	timeWidth  = 6 // likewise
)

// area is part of a frame: columns from x up to end, rows from y up to bottom.
type area struct{ x, y, end, bottom int }

func (a area) width() int { return max(a.end-a.x, 0) }

// below are how many rows are below the lines: what is typed, what is said, and the keys.
func (m *model) below() int {
	switch {
	case m.height >= 8:
		return 3
	case m.height >= 4:
		return 2
	}
	return 1
}

// lineRows is how many rows lines have.
func (m *model) lineRows() int { return max(m.height-1-m.below(), 0) }

// listWidth is how wide the list is.
func (m *model) listWidth() int {
	if m.narrow() {
		return m.width
	}
	return min(max(m.width/4, 20), 32)
}

// linesWidth is how wide lines are.
func (m *model) linesWidth() int {
	if m.narrow() {
		return m.width
	}
	return m.width - m.listWidth() - 1
}

// draw shows the model.
func draw(m *model) *frame {
	f := newFrame(max(m.width, 0), max(m.height, 0))
	if f.width == 0 || f.height == 0 {
		return f
	}
	t := m.talks[m.current]
	m.drawHead(f, t)
	bottom := 1 + m.lineRows()
	lines := area{0, 1, f.width, bottom}
	if m.narrow() && m.listed {
		m.drawList(f, lines)
	} else {
		if !m.narrow() {
			end := m.listWidth()
			m.drawList(f, area{0, 1, end, bottom})
			for y := 1; y < bottom; y++ {
				f.put(end, y, f.width, "│", lookDim)
			}
			lines.x = end + 1
		}
		m.drawLines(f, lines, t)
	}
	switch m.below() {
	case 3:
		said, l := m.said()
		f.put(0, f.height-3, f.width, " "+cut(said, f.width-1), l)
		m.drawKeys(f)
	case 2: // what is said takes the place of the keys
		if said, l := m.said(); said != "" {
			f.put(0, f.height-1, f.width, cut(said, f.width), l)
		} else {
			m.drawKeys(f)
		}
	}
	m.drawInput(f, f.height-min(m.below(), 2))
	return f
}

// drawHead shows what conversation it is, and the connection.
func (m *model) drawHead(f *frame, t *talk) {
	f.fill(0, 0, f.width, lookReverse)
	short, long := m.connectionText()
	right := long
	if widthOf(long) > f.width/2 {
		right = short
	}
	start := f.width - widthOf(right) - 1
	if start > 0 {
		f.put(start, 0, f.width, right, lookReverse)
	} else {
		start = f.width
	}
	title, about := "Conversations", ""
	if t != nil && !(m.narrow() && m.listed) {
		title, about = t.title, m.aboutTalk(t)
	}
	if n := m.unread(); n > 0 && m.narrow() {
		title = fmt.Sprintf("(%d) %s", n, title)
	}
	x := f.put(1, 0, start-1, cut(title, start-2), lookReverse|lookBold)
	if room := start - 1 - x - 3; about != "" && room > 4 {
		f.put(x, 0, start-1, " · "+cut(about, room), lookReverse)
	}
}

// connectionText is how the session is, in short and at length.
func (m *model) connectionText() (short, long string) {
	me := oneLine(m.me.String())
	switch m.conn.state {
	case online:
		return "●", cut(me, 40) + " at " + cut(oneLine(m.conn.server), 30)
	case connecting:
		return "○", "connecting…"
	}
	if pause := m.retryAt.Sub(m.now); pause >= time.Second {
		return "✗", fmt.Sprintf("no connection, again in %d s", int(pause.Seconds()))
	}
	return "✗", "no connection"
}

// aboutTalk is what there is to say of a conversation.
func (m *model) aboutTalk(t *talk) string {
	switch t.kind {
	case inGroup:
		return "a group"
	case inRoom:
		return m.aboutRoomTalk(t)
	}
	about := oneLine(t.with.String())
	if _, writes := m.writing[t.key]; writes {
		return "is writing… · " + about
	}
	switch p := m.presence(t.key); p {
	case "":
	case "not here":
		about = "not here, messages wait · " + about
	default:
		if text := oneLine(m.statuses[t.key].Message); text != "" {
			p += ": " + cut(text, 60)
		}
		about = p + " · " + about
	}
	return about
}

func (m *model) aboutRoomTalk(t *talk) string {
	if !t.joined {
		return "you are not in it"
	}
	if m.conn.state != online {
		return "a room"
	}
	var names []string
	for _, who := range t.occupants {
		names = append(names, m.shortOrYou(who))
	}
	slices.Sort(names)
	switch n := max(t.count, len(names)); {
	case n == 0:
		return "a room"
	case len(names) == 0:
		return fmt.Sprintf("%d here", n)
	default:
		return fmt.Sprintf("%d here: %s", n, strings.Join(names[:min(len(names), 20)], ", "))
	}
}

// drawList shows rooms and people.
func (m *model) drawList(f *frame, a area) {
	type row struct {
		title string // of a part of the list
		entry *entry
	}
	var rows []row
	at := 0
	all := m.entries()
	for i := range all {
		e := &all[i]
		if part := partOf(e.kind); i == 0 || part != partOf(all[i-1].kind) {
			rows = append(rows, row{title: part})
		}
		if e.key == m.current {
			at = len(rows)
		}
		rows = append(rows, row{entry: e})
	}
	height := a.bottom - a.y
	first := min(max(at-height/2, 0), max(len(rows)-height, 0)) // what is open is to be seen
	for y, r := range rows[first:min(first+height, len(rows))] {
		if r.entry == nil {
			f.put(a.x+1, a.y+y, a.end, r.title, lookDim)
			continue
		}
		m.drawEntry(f, area{a.x, a.y + y, a.end, a.bottom}, r.entry)
	}
	if len(all) == 0 && height > 0 {
		f.put(a.x+1, a.y, a.end, cut("nobody yet", a.width()-1), lookDim)
	}
}

func partOf(k kind) string {
	if k == inRoom {
		return "Rooms"
	}
	return "People"
}

// marks tell presence: in any colour, and without one.
var marks = map[string]struct {
	text string
	look look
}{"here": {"●", lookGreen}, "away": {"◐", 0}, "busy": {"■", lookRed}, "not here": {"○", lookDim}, "": {" ", 0}}

func (m *model) drawEntry(f *frame, a area, e *entry) {
	l := look(0)
	if e.key == m.current {
		l = lookReverse
		f.fill(a.x, a.y, a.end, l)
	}
	end := a.end
	if e.unread > 0 {
		count := strconv.Itoa(e.unread)
		if e.unread > 999 {
			count = "999+"
		}
		end -= len(count) + 1
		f.put(end, a.y, a.end, count, l|lookBold)
		l |= lookBold
	}
	mark, colour := "#", look(0)
	switch {
	case e.kind == inGroup:
		mark = "&"
	case e.kind == withPerson:
		one := marks[m.presence(e.key)]
		mark, colour = one.text, one.look
	}
	if l&lookReverse != 0 {
		colour = 0
	}
	f.put(a.x+1, a.y, end, mark, l|colour)
	title := e.title
	if e.kind == inRoom {
		title = strings.TrimPrefix(title, "#")
	}
	if e.stranger {
		title += " ?"
	}
	f.put(a.x+3, a.y, end-1, cut(title, end-1-a.x-3), l)
}

// row is one that is shown of a line.
type row struct {
	text string
	head int // so many bytes of it are who has written it
	look look
	line *line // in the first of a line; nil in the others
}

// indent is how far the text of lines is from the left.
func (m *model) indent() int {
	if m.linesWidth() < tightBelow {
		return 0
	}
	return timeWidth + ticksWidth
}

// rowsFor breaks a line into rows.
func (m *model) rowsFor(l *line) []row {
	width := max(m.linesWidth()-m.indent()-1, 1)
	head, text, style := "", l.text, look(0)
	if l.note {
		style = lookDim
	} else {
		head = cut(m.called(l), max(width/2, 1)) + ":"
		if m.indent() == 0 && l.own { // there is no room for ticks of their own
			head = l.progress.ticks() + " " + head
		}
	}
	if l.file > 0 {
		text = fmt.Sprintf("[%d] %s", l.file, text)
	}
	if head != "" {
		text = head + " " + text
	}
	var rows []row
	for i, one := range wrap(text, width) {
		r := row{text: one, look: style}
		if i == 0 {
			r.head, r.line = min(len(head), len(one)), l
		}
		rows = append(rows, r)
	}
	more := func(text string, l look) {
		for _, one := range wrap(text, width) {
			rows = append(rows, row{text: one, look: l})
		}
	}
	switch {
	case l.total > 0:
		more(cut(l.state+" "+bar(l.done, l.total, min(20, width-widthOf(l.state)-8)), width), lookDim)
	case l.state != "":
		more(l.state, lookDim)
	case l.file > 0 && !l.own:
		more(fmt.Sprintf("!get %d fetches it", l.file), lookDim)
	}
	if l.own && l.progress == failed {
		why := "it has failed: " + l.why
		if l.sent != nil {
			why += " (!again sends it again)"
		}
		more(why, lookRed)
	}
	return rows
}

// rowsOf is how many rows a line has.
func (m *model) rowsOf(l *line) int { return len(m.rowsFor(l)) }

// rowsIn is how many rows a conversation has.
func (m *model) rowsIn(t *talk) (n int) {
	for i, l := range t.lines {
		if i == 0 || !sameDay(t.lines[i-1].at, l.at) {
			n++
		}
		n += m.rowsOf(l)
	}
	return n
}

func sameDay(a, b time.Time) bool {
	ya, ma, da := a.Local().Date()
	yb, mb, db := b.Local().Date()
	return ya == yb && ma == mb && da == db
}

// drawLines shows the last lines of a conversation, or those that it was scrolled to. It breaks no more lines into rows
// than it has to.
func (m *model) drawLines(f *frame, a area, t *talk) {
	height := a.bottom - a.y
	if t == nil || height <= 0 {
		return
	}
	if len(t.lines) == 0 {
		text := "Nothing yet. What you write waits for " + t.title + " if need be."
		if t.kind == inRoom {
			text = "Nothing has been said here yet."
		}
		for i, one := range wrap(text, max(a.width()-2, 1)) {
			if i < height {
				f.put(a.x+1, a.y+i, a.end, one, lookDim)
			}
		}
		return
	}
	var rows []row // the last first
	for i := len(t.lines) - 1; i >= 0 && len(rows) < t.scroll+height; i-- {
		l := t.lines[i]
		for _, r := range slices.Backward(m.rowsFor(l)) {
			rows = append(rows, r)
		}
		if i == 0 || !sameDay(t.lines[i-1].at, l.at) {
			rows = append(rows, row{text: "── " + l.at.Local().Format("Monday, 2 January") + " ──", look: lookDim})
		}
	}
	scroll := min(t.scroll, max(len(rows)-height, 0))
	rows = rows[scroll:min(scroll+height, len(rows))]
	for i, r := range rows {
		m.drawRow(f, a, a.y+len(rows)-1-i, r)
	}
	if scroll > 0 {
		f.put(a.end-2, a.bottom-1, a.end, "↓", lookBold|lookReverse)
	}
}

func (m *model) drawRow(f *frame, a area, y int, r row) {
	x, l := a.x+m.indent(), r.line
	if m.indent() > 0 {
		x++
	}
	if l != nil && m.indent() > 0 {
		f.put(a.x+1, y, a.end, l.at.Local().Format("15:04"), lookDim)
		if l.own {
			f.put(a.x+1+timeWidth, y, a.end, l.progress.ticks(), lookOf(l.progress))
		}
	}
	if r.head > 0 && l != nil {
		x = f.put(x, y, a.end, r.text[:r.head], lookBold|colourOf(l))
	}
	f.put(x, y, a.end, r.text[r.head:], r.look)
}

func lookOf(p progress) look {
	switch p {
	case failed:
		return lookRed | lookBold
	case consumed:
		return lookGreen
	}
	return lookDim
}

// colourOf is a colour for who has written a line, the same each time.
func colourOf(l *line) look {
	if l.own {
		return 0
	}
	sum := uint32(2166136261)
	for _, b := range []byte(fold(l.from)) {
		sum = (sum ^ uint32(b)) * 16777619
	}
	return []look{lookGreen, lookMagenta, lookCyan}[sum%3]
}

// said is what is said below: what has just happened, or why there is no connection.
func (m *model) said() (string, look) {
	if m.notice != "" {
		return m.notice, lookBold
	}
	if m.conn.state == away && m.below() == 3 { // keys are of more use than a reason
		return oneLine(m.conn.why), lookDim
	}
	return "", 0
}

// drawInput shows the end of what is typed, or where the cursor is.
func (m *model) drawInput(f *frame, y int) {
	if y < 0 || f.width < 3 {
		return
	}
	f.fill(0, y, f.width, 0)
	f.put(0, y, f.width, ">", lookBold)
	const start = 2
	width := f.width - start - 1 // the last column is the cursor's
	visible := strings.NewReplacer("\n", "↵")
	head, tail := visible.Replace(m.input.text[:m.input.cursor]), visible.Replace(m.input.text[m.input.cursor:])
	if over := widthOf(head) - width; over > 0 { // half of what there is room for goes at a time
		half := max(width/2, 1)
		head = skip(head, (over+half-1)/half*half)
	}
	x := f.put(start, y, f.width, head, 0)
	f.put(x, y, f.width, tail, 0)
	f.cursorX, f.cursorY = min(x, f.width-1), y
	if m.input.text == "" {
		if t := m.talks[m.current]; t != nil && f.width > 30 {
			f.put(start, y, f.width, cut("Message "+t.title, width), lookDim)
		}
	}
}

// drawKeys shows what keys do, as many of them as there is room for.
func (m *model) drawKeys(f *frame) {
	keys := []string{"!help", "^C quit", "Tab new", "^N ^P switch", "PgUp PgDn scroll", "!upload FILE", "!join #ROOM", "!add NAME"}
	if m.narrow() {
		keys = slices.Insert(keys, 2, "^L list")
	}
	text := ""
	for _, k := range keys {
		longer := text + "  " + k
		if text == "" {
			longer = k
		}
		if widthOf(longer) > f.width-1 {
			break
		}
		text = longer
	}
	f.put(min(1, f.width-1), f.height-1, f.width, text, lookDim)
}

// title is that of the window.
func (m *model) title() string {
	title := "lime chat"
	if n := m.unread(); n > 0 {
		title = fmt.Sprintf("(%d) %s", n, title)
	}
	return title
}
