package edge

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/dialect"
	"limegrove/lime"
	"limegrove/prepared"
	"limegrove/room"
)

// listening is a dialect of rooms: "in 1 /a" subscribes to /a as 1, "out 1 /a" ends that,
// "quit" ends all, and any other word is answered by itself.
type listening struct {
	ask    func(ctx context.Context) bool // whether the client may come in
	idle   time.Duration
	mu     sync.Mutex
	missed int
	closed int
}

func (*listening) Name() string { return "listening" }

func (*listening) Domain() string { return "" }

func (d *listening) Open(*http.Request) (dialect.Client, *dialect.Refusal) {
	return &listener{listening: d}, nil
}

type listener struct {
	*listening
	allowed bool
}

func (l *listener) Ask(ctx context.Context) { l.allowed = l.ask == nil || l.ask(ctx) }

func (l *listener) Login() dialect.Login {
	if !l.allowed {
		return dialect.Login{Refused: lime.NewReason(lime.CodeSessionAuthenticationFailed, "No")}
	}
	return dialect.Login{
		Node:  lime.MustParseNode("l@example.org"),
		Rooms: "rooms.org", Literal: true, Idle: l.idle, Backlog: 1000,
	}
}

func (l *listener) FromClient(message []byte, _ bool) dialect.Said {
	words := strings.Fields(string(message))
	switch {
	case words[0] == "quit":
		return dialect.Said{Close: true, Answer: []byte("never said")}
	case len(words) == 3 && words[0] == "in":
		return dialect.Said{Enter: []dialect.Subscription{{Room: room.Name(words[2]), Request: words[1]}}}
	case len(words) == 3 && words[0] == "out":
		return dialect.Said{Leave: []dialect.Subscription{{Room: room.Name(words[2]), Request: words[1]}}, Answer: []byte("out")}
	}
	return dialect.Said{Answer: message}
}

func (l *listener) Entered(ok bool) []byte { return fmt.Appendf(nil, "in %t", ok) }

func (l *listener) Publication(dst []byte, s dialect.Subscription, envelope []byte) ([]byte, bool) {
	if string(envelope) == "silence" {
		return dst, false
	}
	return fmt.Appendf(dst, "%s: %s", s.Request, envelope), true
}

func (l *listener) Missed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missed++
}

func (l *listener) Closed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed++
}

func (l *listener) ToClient(dst, _ []byte) ([]byte, bool) { return append(dst, "hello"...), true }

func (l *listener) End(*lime.Reason) ([]byte, string) { return []byte("bye"), "" }

// hotel is rooms whose doors open when they are told to.
type hotel struct {
	mu    sync.Mutex
	doors map[room.Name]chan error // who enters waits for it; none is open
	seats []*hotelSeat
	asked []RoomEntry
}

type hotelSeat struct {
	hotel  *hotel
	at     RoomEntry
	who    Occupant
	active bool
	left   bool
}

// hears gives one envelope to who is in a room.
func hears(who Occupant, envelope string) error {
	_, err := who.Hear(prepared.One(1, []byte(envelope)), 0, 1)
	return err
}

func (h *hotel) Enter(ctx context.Context, at RoomEntry, o Occupant) (Seat, error) {
	h.mu.Lock()
	h.asked = append(h.asked, at)
	door := h.doors[at.Name]
	h.mu.Unlock()
	if door != nil {
		select {
		case err := <-door:
			if err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &hotelSeat{hotel: h, at: at, who: o}
	h.seats = append(h.seats, s)
	return s, nil
}

func (h *hotel) Publish(RoomAddress, RoomPublication) (bool, error) { return false, nil }

func (h *hotel) Occupants(context.Context, RoomAddress) (int, []lime.Identity, error) {
	return 0, nil, nil
}

func (s *hotelSeat) Activate() {
	s.hotel.mu.Lock()
	defer s.hotel.mu.Unlock()
	s.active = true
}

func (s *hotelSeat) Attend(context.Context) error { return nil }

func (s *hotelSeat) Place() room.Place { return room.Place{} }

func (s *hotelSeat) Drained() {}

func (s *hotelSeat) Leave() {
	s.hotel.mu.Lock()
	defer s.hotel.mu.Unlock()
	s.active, s.left = false, true
}

// close closes the door of a room, in the bubble of a test.
func (h *hotel) close(n room.Name) { h.doors = map[room.Name]chan error{n: make(chan error)} }

// publish brings an envelope to a room, and tells how many seats took it.
func (h *hotel) publish(n room.Name, envelope string) (taken int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.seats {
		if !s.active || s.at.Name != n {
			continue
		}
		if hears(s.who, envelope) == nil {
			taken++
		}
		s.who.Flush()
	}
	return taken
}

// left is how many seats were given up, of how many.
func (h *hotel) left() (left, all int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.seats {
		if s.left {
			left++
		}
	}
	return left, len(h.seats)
}

// listen connects a client, which says something before there is any answer.
func (e *fixture) listenAs(early ...string) *client {
	e.t.Helper()
	c := e.connect()
	b := []byte(strings.Replace(request, "/any/path?x=1", "/listen", 1))
	for _, text := range early {
		b = append(b, frame(ws.OpText, text)...)
	}
	c.write(b)
	c.wantUpgrade()
	return c
}

// isIn reads that a room is entered, and waits until the client hears what is published there: what
// it is told may be written a moment before.
func (c *client) isIn(why string) {
	c.t.Helper()
	c.reads(why, "in true")
	synctest.Wait()
}
