package delivery

// A review goes over what was passed once more: the sessions that it was for may have
// gone. It reads the log from the first such message on, and the inbox after that, so that
// a message that moves in between is seen. Of what is in neither any more a session has
// had the last word: the log is purged only of what was acknowledged or copied to the
// inbox long before, and the inbox of what was acknowledged, or has expired. That holds of what
// was passed before it began: what was found late, while it was under way, waits for the next.

// review is how far it is.
type review struct {
	on       bool
	inbox    bool   // the log is done
	next     uint64 // the sequence to read from
	upTo     uint64 // the last position that is looked for
	complete uint64 // up to which position the log was read
	tidy     bool   // something was taken over out of the log, and may be in the inbox by now
	ages     bool   // what waits still is older then
	age      uint32
}

// Review says what to read for a review.
type Review struct {
	Inbox bool
	From  uint64

	age uint32
}

// Review begins one, if there is anything to go over, anew if one is under way. What it
// finds waiting it may make older; see Age.
func (f *Follow) Review(ages bool) {
	s := f.shared()
	if s == nil {
		return
	}
	v, all := &s.review, s.passes.all
	*v = review{age: v.age + 1, tidy: v.tidy, ages: ages}
	for i := range all {
		all[i] &^= passedSeen | passedInbox
		if all[i]&passedTaken == 0 {
			if !v.on {
				v.on, v.next = true, all[i].position()
			}
			v.upTo = all[i].position()
		}
	}
	if !v.on && v.tidy {
		v.on, v.inbox, v.next = true, true, 1
	}
}

// Reviewing tells whether one is under way.
func (f *Follow) Reviewing() bool {
	s := f.shared()
	return f.on && s != nil && s.review.on
}

// NextReview returns what to read.
func (f *Follow) NextReview() Review {
	v := &f.shares().review
	return Review{Inbox: v.inbox, From: v.next, age: v.age}
}

// Offer returns, of what was read, the messages that were passed and not taken over
// since, and those of the inbox that are to be removed as InboxCopy says. It is not ok
// when the review that it was read for is over.
func (f *Follow) Offer(r Review, page Page) (out, had []Message, ok bool) {
	if !f.Reviewing() || r.age != f.shared().review.age {
		return nil, nil, false
	}
	passes := &f.shared().passes
	seen := passedSeen
	if r.Inbox {
		seen |= passedInbox
	}
	for _, m := range page.Messages {
		passes.mark(m.Position, seen)
		switch {
		case passes.waits(m.Position):
			out = append(out, m)
		case r.Inbox && f.Handed(m.Position):
			had = append(had, m)
		}
	}
	return out, had, true
}

// Take notes that a message that was passed is handed out to this session all the same.
func (f *Follow) Take(m Message) {
	s := f.shares()
	s.passes.mark(m.Position, passedTaken)
	s.review.tidy = s.review.tidy || m.Inbox == 0
}

// Offered says that each message that Offer has returned was either taken over or left to
// others. Without it the same is read again.
func (f *Follow) Offered(r Review, page Page) {
	s := f.shares()
	v := &s.review
	n := len(page.Messages)
	switch {
	case r.Inbox && n > 0 && page.More:
		v.next = page.Messages[n-1].Inbox + 1
	case r.Inbox:
		v.on, v.tidy = false, false
		s.grow()
		s.passes.dropIf(func(p passed) bool {
			return p.position() <= min(v.complete, v.upTo) && p&(passedSeen|passedTaken) == 0
		})
	default:
		v.complete = page.Through
		v.next = page.Through + 1
		if n == 0 || page.Through >= v.upTo {
			v.inbox, v.next = true, 1
		}
	}
}

// grow makes older what the review has found in the inbox: what is in the log alone is not
// old, or the sweep is away.
func (s *share) grow() {
	if !s.review.ages {
		return
	}
	for i, p := range s.passes.all {
		if p&passedInbox != 0 && p&passedAge != passedAge {
			s.passes.all[i] += passedAgeUnit
		}
	}
}
