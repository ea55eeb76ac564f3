package chat

import (
	"slices"
	"time"

	"limegrove/lime"
)

const (
	maxTalks     = 100
	maxLines     = 500
	maxTalkBytes = 256 << 10
)

// progress is how far an own message has come. Each is behind those before it; failed is an end.
type progress uint8

const (
	waiting   progress = iota // not stored yet; it is sent as soon as that can be
	accepted                  // the cluster has stored it
	delivered                 // a session of the recipient has it, or says so
	consumed                  // it was read
	failed
)

// ticks are what tells the progress, in three cells at most.
func (p progress) ticks() string { return [...]string{"…", "✓", "✓✓", "✓✓✓", "✗"}[p] }

// progressOf is what an event says.
func progressOf(e lime.Event) (progress, bool) {
	switch e {
	case lime.EventAccepted:
		return accepted, true
	case lime.EventDispatched, lime.EventReceived:
		return delivered, true
	case lime.EventConsumed:
		return consumed, true
	case lime.EventFailed:
		return failed, true
	}
	return 0, false
}

// line is one of a conversation. It has been made plain.
type line struct {
	id   string
	own  bool
	note bool // of nobody, but this program's
	from lime.Identity
	text string
	at   time.Time

	progress progress      // of an own one
	why      string        // it has failed
	sent     *lime.Message // an own one that has failed, to be sent again

	reply lime.Node // whom to tell that it was read; zero when there is nobody to tell, or it was told

	file        int    // number of the file that it has; 0 for none
	state       string // of that file's transfer; "" when there was none
	done, total int64  // of a transfer under way, in bytes
}

// kind is with whom a conversation is.
type kind uint8

const (
	withPerson kind = iota
	inGroup
	inRoom
)

// talk is a conversation.
type talk struct {
	key    string // an identity in canonical case, or a room's name, which begins with / or ?
	kind   kind
	title  string
	with   lime.Identity // of a person or a group
	unread int
	last   time.Time // when something happened in it
	lines  []*line
	bytes  int
	scroll int  // rows from the end
	asked  bool // whether it was said that the other one is not a contact

	// Of a room.
	joined    bool   // it is to be entered in each session
	position  uint64 // up to where it is known
	occupants map[string]lime.Identity
	count     int // of sessions; 0 when it is not known
}

// find is the line with what tells it from others: ids are each sender's own.
func (t *talk) find(id string, own bool, from lime.Identity) *line {
	for _, l := range slices.Backward(t.lines) {
		if l.id == id && !l.note && l.own == own && (own || l.from.EqualFold(from)) {
			return l
		}
	}
	return nil
}

// add puts a line behind the others, and returns those that are forgotten for it. Own ones that wait are not.
func (t *talk) add(l *line) (forgotten []*line) {
	t.lines = append(t.lines, l)
	t.bytes += len(l.text)
	if l.at.After(t.last) && !l.note {
		t.last = l.at
	}
	for len(t.lines) > maxLines || t.bytes > maxTalkBytes && len(t.lines) > 1 {
		i := max(slices.IndexFunc(t.lines[:len(t.lines)-1], func(l *line) bool { return !l.own || l.progress != waiting }), 0)
		forgotten = append(forgotten, t.lines[i])
		t.bytes -= len(t.lines[i].text)
		t.lines = slices.Delete(t.lines, i, i+1)
	}
	return forgotten
}
