package client

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// Envelope is a *lime.Message, a *lime.Notification or a *lime.Command.
type Envelope interface {
	// AppendJSON appends the envelope to dst.
	AppendJSON(dst []byte) []byte
}

// outbox is what waits to be written to a session's connection. It is bounded: who sends
// waits for room, and a server that is owed too many answers is given up.
type outbox struct {
	wire    *wire
	done    <-chan struct{} // closed when the session has ended
	limit   int             // bytes, for those who can wait
	longest int             // envelope, in bytes
	wake    chan struct{}
	rankOf  func(*lime.Message) int // nil when messages have no priorities

	mu     sync.Mutex
	pace   pace
	buf    []byte
	text   []byte
	header lime.Header
	over   error         // why nothing is taken any more
	room   chan struct{} // closed when there is some; nil while nobody waits for it

	finishing bool // what the server asks is left without an answer

	// With priorities only.
	queued      ranked[*outgoing]
	queuedBytes int
	line        ranked[*outgoing] // those for which there is no room
	emptied     chan struct{}     // closed when nothing is queued; nil while nobody waits for it
}

func newOutbox(w *wire, cfg *Config, done <-chan struct{}) *outbox {
	return &outbox{wire: w, done: done, pace: newPace(cfg), limit: cfg.SendQueue, longest: cfg.MaxSend, wake: make(chan struct{}, 1), rankOf: cfg.Priority}
}

// put queues an envelope, and waits for room.
func (o *outbox) put(ctx context.Context, e Envelope) error {
	if err := checkDocument(e); err != nil {
		return err
	}
	if m, ok := e.(*lime.Message); ok && o.rankOf != nil {
		return o.putRanked(ctx, m)
	}
	for {
		room, pause, err := o.tryPut(e)
		switch {
		case pause > 0:
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-o.done: // which is why it is refused next
			case <-ctx.Done():
			}
			timer.Stop()
		case room != nil:
			select {
			case <-room:
			case <-ctx.Done():
			}
		default:
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// tryPut returns a channel when there is no room, and for how long to wait when it is too
// early.
func (o *outbox) tryPut(e Envelope) (room <-chan struct{}, pause time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over != nil {
		return nil, 0, o.over
	}
	if len(o.buf) >= o.limit {
		if o.room == nil {
			o.room = make(chan struct{})
		}
		return o.room, 0, nil
	}
	if pause = o.pace.wait(time.Now()); pause > 0 {
		return nil, pause, nil
	}
	return nil, 0, o.appendLocked(e)
}

// early returns for how long an envelope of publications must wait, and otherwise takes
// it for sent.
func (o *outbox) early(now time.Time, size int) (pause time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if pause = o.pace.wait(now); pause == 0 {
		o.pace.spend(now, size)
	}
	return pause
}

// answer queues what the server has asked for, and does not wait: who reads must not.
func (o *outbox) answer(e Envelope) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if taken, err := o.owedLocked(); !taken {
		return err
	}
	return o.appendLocked(e)
}

// control queues a frame of WebSocket's own.
func (o *outbox) control(op ws.OpCode, payload []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if taken, err := o.owedLocked(); !taken {
		return err
	}
	o.buf = appendFrame(o.buf, op, payload)
	o.ring()
	return nil
}

// errUnread is the end of a server that asks and does not read the answers.
var errUnread = fmt.Errorf("%w: it does not read the answers that it asks for", ErrProtocol)

// owedLocked tells whether an answer is taken.
func (o *outbox) owedLocked() (taken bool, err error) {
	switch {
	case o.finishing:
		return false, nil
	case o.over != nil:
		return false, o.over
	case len(o.buf) >= 2*o.limit:
		return false, errUnread
	}
	return true, nil
}

func (o *outbox) appendLocked(e Envelope) error {
	o.text = e.AppendJSON(o.text[:0])
	if err := check(&o.header, o.text, o.longest); err != nil {
		return err
	}
	o.pace.spend(time.Now(), len(o.text))
	o.buf = o.wire.append(o.buf, o.text)
	if cap(o.text) > largeBuffer {
		o.text = nil
	}
	o.ring()
	return nil
}

// finish asks for the end of a session, after which nothing is sent: L-FIN-01.
func (o *outbox) finish(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over != nil {
		return
	}
	for o.queued.len() > 0 { // what has come since it was settled
		o.buf = o.popLocked(o.buf, time.Now())
	}
	o.buf = o.wire.append(o.buf, (&lime.Session{ID: id, State: lime.StateFinishing}).AppendJSON(nil))
	o.over, o.finishing = ErrClosed, true
	wake(&o.room)
	o.refuseLocked()
	o.ring()
}

// ring wakes the writer.
func (o *outbox) ring() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take returns what waits, in exchange for the buffer of before.
func (o *outbox) take(spare []byte) []byte {
	if cap(spare) > largeBuffer {
		spare = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.buf
	o.buf = spare[:0]
	wake(&o.room)
	return taken
}

// close has everything refused from now on.
func (o *outbox) close(why error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over == nil {
		o.over = why
	}
	wake(&o.room)
	o.refuseLocked()
}
