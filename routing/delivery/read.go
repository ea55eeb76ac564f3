package delivery

import (
	"cmp"
	"slices"
)

// Read says what a Follow that is behind has to read.
type Read struct {
	// Log is whether the log is to be read, and the inbox after that; else the inbox alone.
	Log bool
	// LogFrom is the first position to be read.
	LogFrom uint64
	// InboxFrom is the first sequence of the inbox to be read.
	InboxFrom uint64

	age uint32
}

// Page is what was read, in order.
type Page struct {
	Messages []Message // by position in a page of the log, by sequence in one of the inbox
	Through  uint64    // up to where in the whole stream this is all of the address
	More     bool      // it was cut at a bound
}

// Next returns what to read.
func (f *Follow) Next() Read {
	return Read{Log: f.log, LogFrom: f.last() + 1, InboxFrom: f.inbox + 1, age: f.age}
}

// Valid tells whether what r has said is still what is to be read.
func (f *Follow) Valid(r Read) bool { return f.Behind() && f.age == r.age }

// Merge returns, of what was read, the messages to be handed out, in order, and those
// of the inbox that are to be removed as InboxCopy says. Of the first, each is to be
// given to Hand or Skip, up to the first that cannot be handed out.
func (f *Follow) Merge(r Read, log, inbox Page) (out, had []Message) {
	var p past // nothing
	if f.past != nil {
		p = *f.past
	}
	swept := p.swept
	for i, m := range inbox.Messages {
		if f.past != nil {
			f.past.skips.inInbox(m.Position)
		}
		if i > 0 && m.Position > inbox.Messages[i-1].Position {
			// What lies between was acknowledged, or it would be here, too.
			m.Previous = inbox.Messages[i-1].Position
		}
		m.Old = swept.before(m.Position, m.Inbox)
		swept.read(m.Position)
		switch {
		case !m.Old && f.HasPassed(m.Position): // see Review
		case m.Old, f.Handed(m.Position), m.Position <= f.read():
			had = append(had, m)
		case !p.handed.unknown(m.Position):
			out = append(out, m)
		}
	}
	if r.Log && !inbox.More {
		for i, m := range log.Messages {
			if i > 0 {
				m.Previous = log.Messages[i-1].Position // one server, one page: nothing lies between
			}
			if m.Position > f.base && !f.Handed(m.Position) {
				out = append(out, m)
			}
		}
	}
	// Of two that are the same, the inbox's comes first and stays.
	slices.SortStableFunc(out, func(a, b Message) int { return cmp.Compare(a.Position, b.Position) })
	return slices.CompactFunc(out, func(a, b Message) bool { return a.Position == b.Position }), had
}

// Progress is how a Follow goes on after what it has read was handed out.
type Progress uint8

// The kinds of progress.
const (
	ReadOn   Progress = iota // there is more
	Retry                    // the answering server was behind: a little later
	CaughtUp                 // live
)

// Done says that everything that Merge returned was handed out.
func (f *Follow) Done(r Read, log, inbox Page) Progress {
	for _, m := range inbox.Messages {
		f.began().swept.read(m.Position)
	}
	if n := len(inbox.Messages); inbox.More && n > 0 {
		f.inbox = max(f.inbox, inbox.Messages[n-1].Inbox)
	} else if !inbox.More {
		f.inbox, f.unread = max(f.inbox, inbox.Through), false
	}
	var seenLog, seenInbox uint64
	if f.past != nil {
		seenLog, seenInbox = f.past.seenLog, f.past.seenInbox
	}
	switch {
	case inbox.More:
		f.log = false
		return ReadOn
	case !r.Log:
		f.log = true
		return ReadOn
	case log.More:
		return ReadOn
	case log.Through < seenLog && len(log.Messages) > 0, inbox.Through < seenInbox && len(inbox.Messages) > 0:
		return ReadOn // a page says only what it goes through
	case log.Through < seenLog, inbox.Through < seenInbox:
		return Retry
	}
	f.behind, f.log = false, false
	return CaughtUp
}
