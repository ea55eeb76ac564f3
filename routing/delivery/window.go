package delivery

import "sync"

// Entry is a message that was handed out and is not acknowledged.
type Entry struct {
	Identity bool   // it came by the identity, not by the node
	Handed   uint32 // when, as the owner of the window counts; 0 when that is not noted
	Position uint64 // in the log of the identity's partition, for both addresses
	Inbox    uint64 // its sequence in the inbox, to be deleted; 0 when it is not known to be there
	ID       string // of a message that its sender wants to hear of; "" for others
	Sender   string // the node to tell
	For      string // in whose name the sender has sent it; "" for its own
}

// Window is what a session was handed and has not acknowledged, in that order. The
// zero Window is empty and holds no memory.
type Window struct {
	list *[]Entry // nil while it is empty
	next uint32   // the number of the entry that is pushed next; they are counted from 1
}

// lists are for windows that are not empty any more: mostly one entry is there for a moment.
var lists = sync.Pool{New: func() any { return new([]Entry) }}

// maxSpare is for how many entries a list in the pool keeps room.
const maxSpare = 32

func (w *Window) entries() []Entry {
	if w.list == nil {
		return nil
	}
	return *w.list
}

// Len is how many entries there are.
func (w *Window) Len() int { return len(w.entries()) }

// Push adds an entry and returns its number.
func (w *Window) Push(e Entry) uint32 {
	if w.list == nil {
		w.list = lists.Get().(*[]Entry)
	}
	*w.list = append(*w.list, e)
	w.next++
	return w.next
}

// Last is the number of the newest entry there was.
func (w *Window) Last() uint32 { return w.next }

// Pop removes the entries up to a number and calls acknowledged for each. Numbers
// that are not those of entries remove nothing.
func (w *Window) Pop(number uint32, acknowledged func(Entry)) {
	all := w.entries()
	first := w.next - uint32(len(all)) + 1
	n := int32(number-first) + 1 // they may wrap around
	if n <= 0 || int(n) > len(all) {
		return
	}
	for i := range all[:n] {
		acknowledged(all[i])
	}
	left := copy(all, all[n:])
	clear(all[left:])
	*w.list = all[:left]
	if left == 0 {
		w.Clear()
	}
}

// Clear removes all entries. Numbers go on.
func (w *Window) Clear() {
	list := w.list
	if list == nil {
		return
	}
	w.list = nil
	if cap(*list) > maxSpare {
		return
	}
	clear(*list)
	*list = (*list)[:0]
	lists.Put(list)
}

// Find returns the number of the oldest entry with that id for which matches says
// true.
func (w *Window) Find(id []byte, matches func(*Entry) bool) (number uint32, ok bool) {
	for i := range w.entries() {
		e := &w.entries()[i]
		if e.ID != "" && e.ID == string(id) && matches(e) {
			return w.next - uint32(len(w.entries())-1-i), true
		}
	}
	return 0, false
}

// Has tells whether a message is in the window.
func (w *Window) Has(identity bool, position uint64) bool {
	for i := range w.entries() {
		if w.entries()[i].Position == position && w.entries()[i].Identity == identity {
			return true
		}
	}
	return false
}

// Positions returns those of the messages in the window that came by the identity, or by
// the node, in the order in which they were handed out.
func (w *Window) Positions(identity bool) (all []uint64) {
	for i := range w.entries() {
		if w.entries()[i].Identity == identity {
			all = append(all, w.entries()[i].Position)
		}
	}
	return all
}

// Waits tells whether a message is in the window, and notes where it is in the inbox
// by now.
func (w *Window) Waits(identity bool, position, inbox uint64) bool {
	for i := range w.entries() {
		e := &w.entries()[i]
		if e.Position == position && e.Identity == identity {
			if inbox != 0 {
				e.Inbox = inbox
			}
			return true
		}
	}
	return false
}
