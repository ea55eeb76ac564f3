package stream

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// replies is the one subscription on which answers of many messages come, so that a
// call costs the servers no subscription of its own.
type replies struct {
	prefix string // of reply subjects, the last dot included
	sub    *nats.Subscription

	// Guarded by mu.
	mu    sync.Mutex
	next  uint64
	calls map[string]chan *nats.Msg
}

func listen(nc *nats.Conn) (*replies, error) {
	r := &replies{prefix: nc.NewRespInbox() + ".", calls: map[string]chan *nats.Msg{}}
	var err error
	if r.sub, err = nc.Subscribe(r.prefix+">", r.dispatch); err != nil {
		return nil, fmt.Errorf("subscribe to replies: %w", err)
	}
	return r, nil
}

func (r *replies) close() { _ = r.sub.Unsubscribe() } // fails only when it is gone

// call is what one caller waits for.
type call struct {
	replies *replies
	token   string
	reply   string         // what to name as the reply subject; more may follow behind a dot
	answers chan *nats.Msg // never closed
}

// begin makes room for a number of answers. What comes beyond is dropped, which the
// caller sees by what is missing. The caller ends the call.
func (r *replies) begin(room int) call {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	token := strconv.FormatUint(r.next, 36)
	c := call{replies: r, token: token, reply: r.prefix + token, answers: make(chan *nats.Msg, room)}
	r.calls[token] = c.answers
	return c
}

func (c call) end() {
	c.replies.mu.Lock()
	defer c.replies.mu.Unlock()
	delete(c.replies.calls, c.token)
}

// dispatch runs in the subscription's goroutine and does not block.
func (r *replies) dispatch(m *nats.Msg) {
	token, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, r.prefix), ".")
	r.mu.Lock()
	answers := r.calls[token]
	r.mu.Unlock()
	select {
	case answers <- m: // a nil channel takes nothing
	default:
	}
}
