package workload

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gobwas/ws"

	"limegrove/e2e/fault/history"
	"limegrove/lime"
)

// everyNthIsRead is how many of the messages that are received are consumed as well.
const everyNthIsRead = 5

// envelope records what came, and only then acts on it.
func (s *session) envelope(b []byte) {
	h := &s.header
	if _, err := h.Scan(b); err != nil {
		s.end(history.Cut) // broken bytes: what was in them is missed, and will show
		return
	}
	switch h.Kind {
	case lime.KindMessage:
		s.message(h, b)
	case lime.KindNotification:
		s.notification(h, b)
	case lime.KindCommand:
		if h.Status == 0 && string(h.URI) == "/ping" {
			s.pong(h)
		}
		if string(h.ID) == presenceID && h.Status == lime.CommandSuccess {
			s.available()
		}
	case lime.KindSession:
		s.end(map[bool]string{true: history.Finished, false: history.Refused}[h.State == lime.StateFinished])
	}
}

// pong answers a ping of LIME, by which an edge asks over TCP what has been read.
func (s *session) pong(h *lime.Header) {
	from, err := lime.ParseNode(string(h.From))
	if err != nil {
		return // nobody asks
	}
	answer := lime.Command{
		ID: string(h.ID), To: from, Method: lime.MethodGet, Status: lime.CommandSuccess,
		Type: lime.MediaPing, Resource: []byte("{}"),
	}
	s.write(ws.OpText, answer.AppendJSON(nil))
}

func (s *session) message(h *lime.Header, b []byte) {
	var body struct{ Content string }
	if err := json.Unmarshal(b, &body); err != nil {
		body.Content = "" // of nobody's, as the checker will say
	}
	sender, number, _ := strings.Cut(body.Content, " ")
	seq, _ := strconv.Atoi(number) // 0 is nobody's number either
	id, from := string(h.ID), string(h.From)
	seen := s.record(history.Event{
		Kind: history.Delivered, ID: id, From: from, To: string(h.To), Sender: sender, Seq: seq,
	})
	if !seen {
		return
	}
	s.client.workload.seen(s.client.workload.copyOf(id, s.client.identity()), delivered)
	if !s.client.role.receipts {
		return
	}
	s.write(ws.OpText, lime.AppendNotification(nil, []byte(id), nil, []byte(from), lime.EventReceived, nil))
	if s.texts++; s.texts%everyNthIsRead == 0 {
		s.write(ws.OpText, lime.AppendNotification(nil, []byte(id), nil, []byte(from), lime.EventConsumed, nil))
	}
}

// kinds are the events of notifications in the history.
var kinds = map[lime.Event]history.Kind{
	lime.EventAccepted: history.Accepted, lime.EventDispatched: history.Dispatched,
	lime.EventReceived: history.Received, lime.EventConsumed: history.Consumed, lime.EventFailed: history.Failed,
}

func (s *session) notification(h *lime.Header, b []byte) {
	kind, known := kinds[h.Event]
	if !known {
		return
	}
	var code lime.Code
	if kind == history.Failed {
		var body struct{ Reason *lime.Reason }
		if err := json.Unmarshal(b, &body); err == nil && body.Reason != nil {
			code = body.Reason.Code
		}
	}
	id := string(h.ID)
	if !s.record(history.Event{Kind: kind, ID: id, From: string(h.From), Code: int(code)}) {
		return
	}
	switch kind {
	case history.Accepted:
		for _, one := range s.client.workload.copies(id) {
			s.client.workload.seen(one, accepted)
		}
		s.client.out.answered(id, s, 0)
	case history.Failed:
		if s.client.out.answered(id, s, code) {
			select {
			case s.again <- struct{}{}:
			default: // it is known already
			}
		}
	}
}

// available notes that the session's presence is set.
func (s *session) available() {
	if !s.record(history.Event{Kind: history.Present, Text: string(lime.StatusAvailable)}) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.there && !s.over {
		s.there = true
		s.client.workload.count(1, 0)
	}
}
