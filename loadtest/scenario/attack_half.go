package scenario

import (
	"bytes"
	"errors"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/client"
)

// half is connections that send half of a frame, and as many that send half of a request, and nothing more. Each comes
// back when it is cut.
type half struct {
	*attack
	all     []*halfway // once it has begun
	waiting []*halfway // to connect
	left    int        // of all, to be cut when it is no more time to attack
}

// halfway is one of them.
type halfway struct {
	of       *half
	conn     *poll.Conn // nil while it is not connected
	number   int
	request  bool // half of a request; else of a frame, behind a whole request
	upgraded bool
	told     bool // it has had an answer to the half
}

func newHalf(a *attack) (Scenario, error) { return &half{attack: a}, nil }

const (
	// halfFrame is the length of the frame whose half they send, below what a server takes before there is a session.
	halfFrame = 16_000

	// halvesAtATick is how many connect within a tick.
	halvesAtATick = 8

	// cutAtATick is how many are cut within one.
	cutAtATick = 64
)

// Tick is that of Scenario.
func (h *half) Tick(_ *poll.Turn, now time.Duration) (next time.Duration) {
	if !h.on(now) {
		for n := 0; n < cutAtATick && h.left > 0; n++ {
			h.left--
			if conn := h.all[h.left].conn; conn != nil {
				conn.Close(errQuiet)
			}
		}
		return now + attackTick
	}
	if h.all == nil {
		for i := range h.load.Attackers {
			h.all = append(h.all, &halfway{of: h, number: i / 2, request: i%2 == 0})
		}
		h.waiting = append(h.waiting, h.all...)
	}
	h.left = len(h.all)
	n := min(halvesAtATick, len(h.waiting))
	these := h.waiting[:n]
	h.waiting = h.waiting[n:]
	for _, one := range these {
		if err := h.engine.Dial(one.number, one.number, one.open); err != nil {
			h.waiting = append(h.waiting, one)
		}
	}
	return now + attackTick
}

// open is its poll.Opener.
func (h *halfway) open(t *poll.Turn, conn *poll.Conn) poll.Handler {
	h.conn, h.upgraded, h.told = conn, false, false
	h.of.count.Connected++
	if !h.of.on(h.of.engine.Now()) {
		conn.Close(errQuiet)
		return h
	}
	request := h.of.engine.Request(conn.RemoteAddr())
	if h.request {
		request = request[:len(request)/2]
		h.of.count.Sent++
	}
	h.say(t, request)
	return h
}

func (h *halfway) say(t *poll.Turn, b []byte) {
	if err := t.Batch.Append(h.conn, nil, b); err != nil {
		h.conn.Close(err)
	}
}

// Data is that of poll.Handler.
func (h *halfway) Data(t *poll.Turn, b []byte) (n, need int) {
	if !h.request && !h.upgraded && bytes.HasPrefix(b, []byte("HTTP/1.1 101 ")) {
		if !bytes.HasSuffix(b, []byte("\r\n\r\n")) {
			return 0, 0
		}
		h.upgraded = true
		h.of.count.Sent++
		whole := client.Frame(bytes.Repeat([]byte{'x'}, halfFrame))
		h.say(t, whole[:len(whole)/2])
		return len(b), 0
	}
	if !h.told {
		h.told = true
		h.of.count.Refused++
	}
	return len(b), 0
}

// Timer is that of poll.Handler.
func (h *halfway) Timer(*poll.Turn) {}

// Drained is that of poll.Handler.
func (h *halfway) Drained(*poll.Turn) {}

// Closed is that of poll.Handler.
func (h *halfway) Closed(_ *poll.Turn, err error) {
	if errors.Is(err, poll.ErrClosed) { // the end of the run
		return
	}
	if !errors.Is(err, errQuiet) {
		h.of.count.Cut++
	}
	h.conn = nil
	h.of.waiting = append(h.of.waiting, h)
}
