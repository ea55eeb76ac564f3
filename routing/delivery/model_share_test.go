package delivery

import (
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// What the model has for sessions that share: the view of each, which is late, and what
// they tell each other of what they have acknowledged, which may be lost.

type sharing struct {
	share    uint64         // from which position on it has a share
	view     map[int]uint64 // the shares of the others, by name, as it knows them
	ackedBy  []uint64       // what others have acknowledged, on its way
	reviewed *reviewing
}

// reviewing is a page of a review on its way.
type reviewing struct {
	Review
	page Page
}

// isFor tells whether a message is for s by what s knows. What somebody has sent to his
// own identity is not for himself.
func (w *world) isFor(s *follower, position uint64) bool {
	view := maps.Clone(s.view)
	if view == nil {
		view = map[int]uint64{}
	}
	view[s.name] = s.share
	delete(view, w.notes[position])
	for range s.Age(position) / agePatience {
		delete(view, w.whose(view, position)) // it has had its time
	}
	return s.name == w.whose(view, position)
}

// agePatience is after how many reviews a message is another's.
const agePatience = 2

// whose is the session that a message is for; 0 for nobody's.
func (w *world) whose(view map[int]uint64, position uint64) int {
	lot := func(name int) uint64 { return (uint64(name)*7919 + position*104729) % 1009 }
	next, late := 0, 0
	for _, name := range slices.Sorted(maps.Keys(view)) {
		switch {
		case view[name] > position:
			if late == 0 || view[name] < view[late] {
				late = name
			}
		case next == 0 || lot(name) > lot(next):
			next = name
		}
	}
	if next == 0 {
		return late
	}
	return next
}

// viewOf is what s would be told of the others by now.
func (w *world) viewOf(s *follower) map[int]uint64 {
	view := map[int]uint64{}
	for _, o := range w.sessions {
		if o != s && o.On() {
			view[o.name] = o.share
		}
	}
	return view
}

// hearView tells s who is there.
func (w *world) hearView(s *follower) {
	if view := w.viewOf(s); !maps.Equal(view, s.view) {
		s.view = view
		s.Review(false)
	}
}

// tell has the others hear what s has acknowledged.
func (w *world) tell(s *follower, position uint64) {
	for _, o := range w.sessions {
		if w.ruled && o != s {
			o.ackedBy = append(o.ackedBy, position)
		}
	}
}

func (w *world) hearAcks(s *follower) {
	s.Release(s.ackedBy)
	s.ackedBy = nil
	s.raised()
}

// reviewStep does the next step of a review: it reads a page, or takes over what it has
// read.
func (w *world) reviewStep(t *rapid.T, s *follower) {
	r := s.reviewed
	switch {
	case r == nil && s.Reviewing():
		s.reviewed = w.reviewPage(s.NextReview())
	case r != nil:
		s.reviewed = nil
		out, had, ok := s.Offer(r.Review, r.page)
		for _, m := range had {
			w.had(t, s, m)
		}
		for _, m := range out {
			if !w.hand(t, s, m) {
				return
			}
		}
		if ok {
			s.Offered(r.Review, r.page)
			s.raised()
		}
	}
}

func (w *world) reviewPage(r Review) *reviewing {
	const limit = 2
	page := Page{Through: w.end}
	if r.Inbox {
		replica := w.replica()
		page.Through = replica.through
		for _, m := range replica.inbox {
			if m.sequence >= r.From {
				page.Messages = append(page.Messages, Message{Position: m.position, Inbox: m.sequence})
			}
		}
	} else {
		for _, m := range w.log {
			if m.position >= r.From {
				page.Messages = append(page.Messages, Message{Position: m.position})
			}
		}
	}
	if n := len(page.Messages); n > 0 {
		page.More = n > limit
		page.Messages = page.Messages[:min(n, limit)]
		last := page.Messages[len(page.Messages)-1]
		page.Through = max(last.Position, last.Inbox)
		if r.Inbox {
			page.Through = last.Inbox
		} else {
			page.Through = last.Position
		}
	}
	return &reviewing{r, page}
}

// rest does for s what happens by itself in time.
func (w *world) rest(t *rapid.T, s *follower) {
	if !w.ruled {
		return
	}
	w.hearView(s)
	w.hearAcks(s)
	s.Safe(w.floor)
	s.raised()
	if s.Passed() > 0 && !s.Reviewing() {
		s.Review(true)
	}
	for range 4 {
		w.reviewStep(t, s)
	}
}
