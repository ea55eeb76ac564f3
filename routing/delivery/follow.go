package delivery

// Message is one stored message of an address.
type Message struct {
	Position uint64 // in the log
	Previous uint64 // the one before it on the address in the log; 0 when that is not known
	Inbox    uint64 // its sequence in the inbox; 0 when it comes from the log
	Old      bool   // it was acknowledged before it came to the inbox
	Origin   string // the edge of its sender; "" when that is not known
	Data     []byte // the envelope, of which a Follow keeps nothing
}

// Verdict is what is to be done with a copy.
type Verdict uint8

// The verdicts.
const (
	Ignore     Verdict = iota // it was handed out, or will be read
	HandOut                   // now
	FallBehind                // something before it is missing: it is to be read
	Remove                    // the inbox's copy of what this session has had: see InboxCopy
	RemoveOld                 // what was acknowledged, by whomever, before it came to the inbox
)

// Follow is what a session knows of one address that it follows. The zero Follow is
// off. It is not safe for use by several goroutines at once.
type Follow struct {
	on     bool
	behind bool
	log    bool   // behind: the inbox is read, and the log is next
	unread bool   // the inbox was not read to its end since base rose
	age    uint32 // counts what makes a Read of before worthless
	base   uint64 // what is not above it in the log was acknowledged before the session
	inbox  uint64 // up to which sequence the inbox was read
	past   *past  // nil as long as nothing has come
}

// past is what has become of the messages of an address since it is followed.
type past struct {
	handed runs
	acked  uint64 // the highest position that was acknowledged
	told   uint64 // the floor that Raised has returned last
	read   uint64 // unread: what base was when the inbox was read to its end the last time
	skips  skips
	swept  swept
	// While behind: the newest log position and inbox sequence that a copy was seen of.
	seenLog, seenInbox uint64
	share              *share // nil where no message was another session's
}

// share is what a session knows of the messages that others of the address have.
type share struct {
	passes passes
	review review
}

// began returns the past, which there is from now on.
func (f *Follow) began() *past {
	if f.past == nil {
		f.past = new(past)
	}
	return f.past
}

// shares is began for the part of it that is about sharing.
func (f *Follow) shares() *share {
	p := f.began()
	if p.share == nil {
		p.share = new(share)
	}
	return p.share
}

// shared is that part, or nil.
func (f *Follow) shared() *share {
	if f.past == nil {
		return nil
	}
	return f.past.share
}

// read is what base was when the inbox was read to its end the last time.
func (f *Follow) read() uint64 {
	switch {
	case !f.unread:
		return f.base
	case f.past == nil:
		return 0
	}
	return f.past.read
}

// last is the highest position that was handed out, or acknowledged before the session.
func (f *Follow) last() uint64 {
	if f.past == nil {
		return f.base
	}
	return max(f.base, f.past.handed.last())
}

// On tells whether the session follows the address at the moment.
func (f *Follow) On() bool { return f.on }

// Behind tells whether there may be something to be read.
func (f *Follow) Behind() bool { return f.on && f.behind }

// Live tells whether copies are handed out as they come.
func (f *Follow) Live() bool { return f.on && !f.behind }

// Start begins to follow, or goes on after Stop, behind. What is not above floor in
// the log was acknowledged before.
func (f *Follow) Start(floor uint64) {
	f.on, f.behind, f.log = true, true, false
	if floor > f.base {
		if !f.unread && f.base > 0 {
			f.began().read = f.base
		}
		f.base, f.unread = floor, true
	}
	if s := f.shared(); s != nil {
		s.passes.upTo(floor)
	}
	f.age++
}

// End is the highest position that is known: what comes is above it.
func (f *Follow) End() uint64 {
	if f.past == nil {
		return f.base
	}
	return max(f.last(), f.past.seenLog)
}

// Stop ends following. What was handed out can still be acknowledged.
func (f *Follow) Stop() { f.on = false }

// Anew says that the log or the inbox is another than before, with positions above those
// of the one before. Its order tells nothing of what is yet to come from there.
func (f *Follow) Anew() {
	if f.past != nil {
		f.past.swept = swept{}
	}
}

// Doubt says that copies may have been lost.
func (f *Follow) Doubt() {
	if !f.behind {
		f.behind, f.log = true, true
	}
}

// Lag says that the session cannot be given m, and no more, for now.
func (f *Follow) Lag(m Message) {
	p := f.began()
	if m.Inbox == 0 {
		p.seenLog = max(p.seenLog, m.Position)
	}
	p.seenInbox = max(p.seenInbox, m.Inbox)
	f.behind, f.log = true, true
}

// Tail is the end of a stream, as one of its servers has it.
type Tail struct {
	Last    uint64 // the last sequence of the address; 0 when there is none
	Through uint64 // that of the whole stream
}

// Tails takes the ends of the log and, read after that, of the inbox. It tells whether
// nothing is to be read, so that the Follow is live now.
func (f *Follow) Tails(log, inbox Tail) bool {
	switch {
	case !f.Behind():
		return true
	case log.Last > f.last(), inbox.Last > f.inbox:
		return false
	case f.past != nil && (f.past.seenLog > log.Through || f.past.seenInbox > inbox.Through):
		return false
	}
	f.inbox = max(f.inbox, inbox.Through)
	f.behind, f.log, f.unread = false, false, false
	return true
}

// Copy judges the log's copy of a message.
func (f *Follow) Copy(position, previous uint64) Verdict {
	switch {
	case !f.on:
		return Ignore
	case previous == 0:
		f.Safe(position - 1) // the log was purged up to there
	}
	switch {
	case f.behind:
		p := f.began()
		p.seenLog = max(p.seenLog, position)
		return Ignore
	case position <= f.base || f.Handed(position) || f.past != nil && f.past.handed.unknown(position):
		return Ignore
	case previous <= f.base || f.Handed(previous):
		return HandOut
	}
	p := f.began()
	p.seenLog = max(p.seenLog, position)
	f.behind, f.log = true, true
	return FallBehind
}

// InboxCopy judges the inbox's copy of a message. One to be removed is acknowledged,
// unless it is in the window still, or was skipped, which the caller has to know.
func (f *Follow) InboxCopy(position, sequence uint64) Verdict {
	p, s := f.began(), f.shared()
	old := sequence > f.inbox && p.swept.before(position, sequence)
	p.swept.copy(position, sequence)
	if p.skips.inInbox(position) {
		return Ignore
	}
	switch {
	case old:
		if s != nil {
			s.passes.drop(position)
		}
		return RemoveOld
	case s != nil && s.passes.waits(position):
		return Ignore // see Review
	case p.handed.has(position):
		return Remove // unless it is in the window, which the caller asks first
	case f.on && position <= f.read():
		return Remove // it was in the log until now, and acknowledged: Redis has forgotten that
	case !f.on || p.handed.unknown(position):
		return Ignore
	case sequence <= f.inbox:
		return Ignore // when the inbox was read it was gone: another session has acknowledged it
	case f.behind:
		p.seenInbox = max(p.seenInbox, sequence)
		return Ignore
	}
	return HandOut
}

// Hand notes that a message was handed out.
func (f *Follow) Hand(m Message) {
	p := f.began()
	p.handed.add(m.Position, m.Previous)
	if m.Inbox != 0 {
		p.swept.copy(m.Position, m.Inbox)
	}
}

// Handed tells whether a message is known to have been handed out, or skipped.
func (f *Follow) Handed(position uint64) bool { return f.past != nil && f.past.handed.has(position) }

// Skip notes that a message is not for this session, though perhaps for others of the
// address.
func (f *Follow) Skip(m Message) { f.skip(m, maxSkips) }

func (f *Follow) skip(m Message, most int) {
	f.Hand(m)
	if m.Inbox == 0 {
		f.past.skips.add(m.Position, most)
	}
}

// Acknowledge notes that a message is acknowledged.
func (f *Follow) Acknowledge(position uint64) {
	p := f.began()
	p.acked = max(p.acked, position)
	if p.share != nil {
		p.share.passes.drop(position)
	}
}

// Safe says that nothing up to a position depends on the log: it was acknowledged,
// by whichever session, or is in the inbox. So it is with every floor of the address.
func (f *Follow) Safe(position uint64) {
	p := f.began()
	p.skips.upTo(position)
	if p.share != nil {
		p.share.passes.upTo(position)
	}
}

// Held tells whether the floor is kept down by what was skipped or passed.
func (f *Follow) Held() bool { return f.past != nil && f.Floor() < f.past.acked }

// Floor is the position up to which everything that is in the log was acknowledged, by
// this session, by one before it, or where this one has skipped or passed it by another.
func (f *Follow) Floor() uint64 {
	if f.past == nil {
		return f.base
	}
	floor := f.past.skips.below(f.past.acked)
	if s := f.past.share; s != nil {
		floor = s.passes.below(floor)
	}
	return max(f.base, floor)
}

// Raised returns the floor; ok is false when it is what it was the last time.
func (f *Follow) Raised() (floor uint64, ok bool) {
	if f.past == nil {
		return f.base, false
	}
	floor = f.Floor()
	ok = floor > max(f.past.told, f.base)
	f.past.told = max(f.past.told, floor)
	return floor, ok
}
