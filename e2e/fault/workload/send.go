package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gobwas/ws"

	"limegrove/e2e/fault/history"
	"limegrove/lime"
)

// farewell is what a polite good-bye or a replaced session may take.
const farewell = 3 * time.Second

// sendSoon sets when the next message is due.
func (v *visit) sendSoon() {
	if v.role.sends {
		v.next = time.After(time.Duration(v.random.ExpFloat64() * float64(v.workload.gap)))
	}
}

// sendNew sends a new message to one of the client's peers.
func (v *visit) sendNew() {
	to := v.role.peers[v.random.IntN(len(v.role.peers))]
	if m := v.out.add(to, time.Now()); m != nil {
		v.attempt(m)
	}
}

// attempt sends a message, for the first time or again.
func (v *visit) attempt(m *message) {
	s := v.session
	v.out.attempted(m, s, time.Now())
	if !s.record(history.Event{Kind: history.Sent, ID: m.id, To: m.to, Seq: m.seq}) {
		v.out.left(s) // the session was over already
		return
	}
	to, err := lime.ParseNode(m.to)
	if err != nil {
		panic(fmt.Sprintf("the cast has the address %q: %v", m.to, err))
	}
	content, err := json.Marshal(fmt.Sprintf("%s %d", v.node, m.seq))
	if err != nil {
		panic(err) // a string
	}
	text := lime.Message{ID: m.id, To: to, Type: lime.MediaText, Content: content}
	s.write(ws.OpText, text.AppendJSON(nil))
}

// resend sends again what is to be sent again.
func (v *visit) resend() {
	for _, m := range v.out.again(time.Now()) {
		v.attempt(m)
	}
}

// leave ends the session by the client's will, politely or not. What it gets after that
// it has not seen.
func (v *visit) leave(politely bool) {
	s := v.session
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
	if politely {
		// The answer is not waited for: what comes with it would have to count.
		_ = s.wire.write(ws.OpText, (&lime.Session{ID: s.id, State: lime.StateFinishing}).AppendJSON(nil)) // it ends anyway
	}
	s.end(history.Left)
	v.left = true
}

// move logs in elsewhere, has the server end this session and sends again what was not
// answered in it.
func (v *visit) move(ctx context.Context) *session {
	old := v.session
	old.mu.Lock()
	old.replaced = true
	old.mu.Unlock()
	s := v.connect(ctx, v.readers, old.edge)
	select {
	case <-ctx.Done():
	case <-old.gone:
	case <-time.After(farewell):
	}
	old.end(history.Replaced)
	return s
}
