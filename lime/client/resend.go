package client

import (
	"strconv"
	"time"

	"limegrove/lime"
)

// appendDue appends, as they go over a session's wire, those that are to be sent now, and
// returns when the next is; zero when none is.
func (p *publications) appendDue(dst []byte, s *session) (_ []byte, next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Before(p.notUntil) {
		return dst, p.notUntil
	}
	for i := 0; i < len(p.sent) && len(dst) < oneWrite; i++ {
		one := p.sent[i]
		if due := p.dueLocked(one, s.number); due.After(now) {
			if next.IsZero() || due.Before(next) {
				next = due
			}
			continue
		} else if due.IsZero() {
			continue
		}
		if pause := s.out.early(now, len(one.text)+resentSize); pause > 0 {
			return dst, now.Add(pause)
		}
		if one.resends >= p.maxResends {
			p.finishLocked(one, ErrUnanswered)
			i--
			continue
		}
		one.resends++
		one.session, one.sent = s.number, now
		dst = s.wire.append(dst, one.textNow())
	}
	for len(dst) < oneWrite {
		one, ok := p.fresh.first()
		if !ok {
			break
		}
		if one.text == nil { // it is read first
			return dst, now
		}
		if pause := s.out.early(now, len(one.text)+resentSize); pause > 0 {
			return dst, now.Add(pause)
		}
		p.fresh.pop()
		one.session, one.sent = s.number, now
		p.sent = append(p.sent, one)
		dst = s.wire.append(dst, one.text)
	}
	return dst, next
}

// dueLocked returns when a publication is to be sent in a session: zero for not at all.
func (p *publications) dueLocked(one *Publication, session uint64) time.Time {
	switch {
	case one.session != session:
		return one.sent.Add(1) // long ago
	case p.patience < 0:
		return time.Time{}
	}
	return one.sent.Add(p.patience)
}

// resentSize is more than what textNow adds.
const resentSize = 64

// textNow is the message as it is sent now: one that is sent again says so.
func (p *Publication) textNow() []byte {
	if p.resends == 0 {
		return p.text
	}
	m, err := lime.DecodeMessage(p.text)
	if err != nil {
		return p.text // as it was accepted before
	}
	if m.Metadata == nil {
		m.Metadata = lime.Metadata{}
	}
	m.Metadata["#resentCount"] = strconv.Itoa(p.resends)
	return m.AppendJSON(nil)
}

// answered takes what was said of a message, and tells whether it is one of these, and
// whether it is sent again. What somebody says who is neither the server nor the recipient
// is no answer.
func (p *publications) answered(n *lime.Notification, own lime.Node) (ours, again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.byID[n.ID]
	if one == nil {
		return false, false
	}
	server := isServer(n.From)
	recipient := n.From.Identity.EqualFold(one.to.WithDefaults(own.Domain).Identity)
	switch {
	case server && n.Event == lime.EventFailed && n.Reason != nil && n.Reason.Code == lime.CodeDispatchError:
		p.againLocked(one)
		return true, true
	case n.Event == lime.EventFailed && (server || recipient):
		p.finishLocked(one, failure(n))
	case server && (n.Event == lime.EventAccepted || n.Event == lime.EventDispatched),
		recipient && (n.Event == lime.EventReceived || n.Event == lime.EventConsumed):
		p.failures = 0
		p.finishLocked(one, nil)
	default:
		return false, false
	}
	return true, false
}

// Pauses after the server could not store a message.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

// againLocked has a message sent again that the server could not store: before anything
// newer, after a pause.
func (p *publications) againLocked(one *Publication) {
	one.session = 0
	if now := time.Now(); now.After(p.notUntil) {
		pause := min(firstPause<<min(p.failures, 10), lastPause)
		p.failures++
		p.notUntil = now.Add(jitter(pause/2, pause))
	}
}
