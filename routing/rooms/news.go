package rooms

import (
	"limegrove/lime"
	"limegrove/presence"
)

// news is what is told of one room.
type news struct {
	key           roomKey
	stays         []*stay
	entered, left []presence.Registration
	sessions      []string // what the registry has of each stay afterwards
	unsure        bool     // the registry may not have had what it has afterwards
}

func (n *news) change() presence.RoomChange {
	return presence.RoomChange{Room: n.key.identity(), Entered: n.entered, Left: n.left}
}

// take takes what one call to the registry is about, to be given to took or to failed. It
// takes no more rooms than there are, and lessens that by those of which nothing is left.
func (a *attendance) take(rooms *int) (all []news) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for changed := 0; len(all) < maxRooms && changed < maxChanged && *rooms > 0 && len(a.untold) > 0; {
		p := a.untold[0]
		n := a.newsOf(p)
		if p.untold = p.untold[len(n.stays):]; len(p.untold) == 0 {
			p.untold = nil
			a.untold = a.untold[1:]
			*rooms--
		}
		changed += len(n.entered) + len(n.left)
		all = append(all, n)
	}
	if len(a.untold) == 0 {
		a.untold = nil
	}
	return all
}

// newsOf returns what is to be told of a party, as much as is told at once.
func (a *attendance) newsOf(p *party) news {
	n := news{key: p.key}
	identity := p.key.identity()
	for _, s := range p.untold {
		if len(n.entered)+len(n.left)+1+len(s.doubts) > presence.MaxRoomChange {
			break
		}
		n.unsure = n.unsure || s.unsure || !s.settled()
		s.queued, s.flying, s.unsure = false, true, false
		session := ""
		if s.seats > 0 {
			session = s.session
			n.entered = append(n.entered, a.registration(identity, s, session))
		} else if s.told != "" {
			n.left = append(n.left, a.registration(identity, s, s.told))
			for _, other := range s.doubts {
				n.left = append(n.left, a.registration(identity, s, other))
			}
		}
		n.sessions = append(n.sessions, session)
	}
	n.stays = p.untold[:len(n.sessions)]
	return n
}

func (a *attendance) registration(room lime.Identity, s *stay, session string) presence.Registration {
	return presence.Registration{
		Node: lime.Node{Identity: room, Instance: s.node.String()}, Edge: a.edge, Session: session,
	}
}

// took is told that the registry has what was taken.
func (a *attendance) took(all []news) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range all {
		for i, s := range n.stays {
			s.told, s.doubts, s.flying = n.sessions[i], nil, false
			a.queue(s)
		}
	}
}

// failed is told that it may not have it.
func (a *attendance) failed(all []news) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range all {
		for i, s := range n.stays {
			s.flying, s.unsure = false, true
			if n.sessions[i] != "" {
				s.mayBe(n.sessions[i])
			}
			if s.seats > 0 || s.told != "" { // also who has come back while it may have left
				a.enqueue(s)
			} else {
				a.queue(s)
			}
		}
	}
}

// mayBe notes that the registry may have a session, which is to leave it then, or what it
// had before.
func (s *stay) mayBe(session string) {
	if s.told != "" && s.told != session {
		s.doubts = append(s.doubts[max(0, len(s.doubts)+1-maxDoubts):], s.told)
	}
	s.told = session
}
