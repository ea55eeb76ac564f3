package client

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"limegrove/lime"
)

// publications are the messages that wait for their answer, in order. They are bounded;
// who publishes more waits. The writer of the session that there is takes from them what it
// has to send: all of them when it begins, and then what is new or was not answered.
type publications struct {
	limit      int
	patience   time.Duration // for an answer in one session; negative: for ever
	maxResends int           // negative: none

	mu       sync.Mutex
	all      []*Publication
	byID     map[string]*Publication
	changed  chan struct{} // closed when one is done; nil while nobody waits for it
	over     error
	failures int       // of the server, 51, in a row
	notUntil time.Time // nothing is sent before
}

func newPublications(cfg *Config) *publications {
	return &publications{
		limit: cfg.InFlight, patience: cfg.ResendAfter, maxResends: cfg.MaxResends, byID: map[string]*Publication{},
	}
}

// add puts a publication behind the others, and waits for room.
func (p *publications) add(ctx context.Context, one *Publication) error {
	for {
		room, err := p.tryAdd(one)
		if room == nil {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (p *publications) tryAdd(one *Publication) (room <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over != nil:
		return nil, p.over
	case p.byID[one.id] != nil:
		return nil, ErrID
	case len(p.all) >= p.limit:
		return p.waitLocked(), nil
	}
	p.all = append(p.all, one)
	p.byID[one.id] = one
	return nil, nil
}

func (p *publications) waitLocked() <-chan struct{} {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

// settle waits until none is left.
func (p *publications) settle(ctx context.Context) error {
	for {
		p.mu.Lock()
		if len(p.all) == 0 {
			p.mu.Unlock()
			return nil
		}
		changed := p.waitLocked()
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// until gives a publication up when ctx is done.
func (p *publications) until(ctx context.Context, one *Publication) {
	stop := context.AfterFunc(ctx, func() { p.finish(one, context.Cause(ctx)) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[one.id] == one {
		one.stop = stop
		return
	}
	stop() // it was answered already
}

// finish ends a publication, unless it has ended.
func (p *publications) finish(one *Publication, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[one.id] == one {
		p.finishLocked(one, err)
	}
}

func (p *publications) finishLocked(one *Publication, err error) {
	delete(p.byID, one.id)
	i := slices.Index(p.all, one)
	p.all = slices.Delete(p.all, i, i+1)
	if one.stop != nil {
		one.stop()
	}
	one.err = err
	close(one.done)
	wake(&p.changed)
}

// close ends all of them.
func (p *publications) close(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = why
	for len(p.all) > 0 {
		p.finishLocked(p.all[0], why)
	}
}

// appendDue appends, as they go over a session's wire, those that are to be sent now, and
// returns when the next is; zero when none is.
func (p *publications) appendDue(dst []byte, s *session) (_ []byte, next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) == 0 {
		return dst, next
	}
	now := time.Now()
	if now.Before(p.notUntil) {
		return dst, p.notUntil
	}
	for i := 0; i < len(p.all) && len(dst) < oneWrite; i++ {
		one := p.all[i]
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
		if !one.sent.IsZero() {
			if one.resends >= p.maxResends {
				p.finishLocked(one, ErrUnanswered)
				i--
				continue
			}
			one.resends++
		}
		one.session, one.sent = s.number, now
		dst = s.wire.append(dst, one.textNow())
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
	server := n.From.IsZero() || lime.IsPostmaster(n.From.Name) || n.From.Name == ""
	recipient := n.From.Identity.EqualFold(one.to.WithDefaults(own.Domain).Identity)
	switch {
	case server && n.Event == lime.EventFailed && n.Reason != nil && n.Reason.Code == lime.CodeDispatchError:
		p.againLocked(one)
		return true, true
	case n.Event == lime.EventFailed && (server || recipient):
		reason := n.Reason
		if reason == nil {
			reason = lime.NewReason(lime.CodeGeneralError, "No reason was given")
		}
		p.finishLocked(one, reason)
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
