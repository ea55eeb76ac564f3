package delivery

// swept is what the order of an address in the inbox tells. The sweep goes through the
// log from its begin to its end, so it copies what is unacknowledged in the order of
// positions. It begins again when floors were lost, and then copies what it has passed
// over the first time, because that was acknowledged, behind what it has copied then.
type swept struct {
	inbox            uint64 // the highest position that was read from the inbox
	copied, sequence uint64 // of the copies that came, the highest position, and its sequence in the inbox
}

// before tells whether a message was acknowledged before it came to the inbox: a later
// one was there before it.
func (s *swept) before(position, sequence uint64) bool {
	return position < s.inbox || position < s.copied && sequence > s.sequence
}

// read notes a position that was read from the inbox, all before it having been read.
func (s *swept) read(position uint64) { s.inbox = max(s.inbox, position) }

// copy notes a copy, or what was read and handed out.
func (s *swept) copy(position, sequence uint64) {
	if position > s.copied {
		s.copied, s.sequence = position, sequence
	}
}
