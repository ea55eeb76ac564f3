package routing

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/room"
)

// taker is a client that is held, or not.
type taker struct {
	sink
	held bool
}

func (c *taker) Hold(on bool)        { c.held = on }
func (c *taker) Granted(room.Grants) {}

// stuckEdge is an edge whose log takes nothing, and a way to send by a session of it: a
// message of so many bytes.
func stuckEdge(t *testing.T) (e *testEdge, send func(m *Member, id string, bytes int) error) {
	t.Helper()
	e = newWorld(t).idleEdge("a", Config{Shards: 1, Streams: emptyStreams{}})
	to := lime.MustParseNode("rui@t.org/1")
	e.recipients.keepLocked(subjectOf(to), knownFor(time.Hour))
	return e, func(m *Member, id string, bytes int) error {
		view, err := lime.ParseNodeView([]byte(to.String()))
		if err != nil {
			t.Fatal(err)
		}
		envelope := fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"type":"text/plain","content":"%s"}`, id, m.who.String(), to, strings.Repeat("x", bytes))
		var h lime.Header
		if _, err := h.Scan([]byte(envelope)); err != nil {
			t.Fatal(err)
		}
		return m.Route(view, &h, []byte(envelope))
	}
}

func (e *testEdge) taker(name string) (*Member, *taker) {
	c := &taker{}
	m := benchMember(e, name+"@t.org/1")
	m.to = c
	return m, c
}

func TestManyGreedySessionsLeaveRoomForAModestOne(t *testing.T) {
	e, send := stuckEdge(t)
	const greedy = 3 * holdPart // a mebibyte each would be three times too much
	var held []*taker
	for i := range greedy {
		m, c := e.taker(fmt.Sprint("greedy", i))
		held = append(held, c)
		for n := 0; !c.held; n++ {
			if err := send(m, fmt.Sprint("m", n), 16<<10); err != nil {
				t.Fatalf("session %d is not held, but refused: %v", i, err)
			}
		}
	}
	m, _ := e.taker("modest")
	if err := send(m, "m1", 1<<10); err != nil {
		t.Errorf("a modest session is refused: %v", err)
	}
	e.WantDropped("nobody had to be refused", dropOutboxFull, 0)
	e.outbox.take()
	if last := e.outbox.queues[0].all; last[len(last)-1].member != m {
		t.Error("the modest session's message is not on its way")
	}

	e.outbox.look(time.Now().Add(time.Hour)) // all is given up
	for i, c := range held {
		if c.held {
			t.Errorf("session %d is held with nothing under way", i)
		}
	}
	if n := e.budget.used.Load(); n != 0 {
		t.Errorf("%d bytes are under way at the end", n)
	}
}

func TestNotificationsLeaveRoomForMessages(t *testing.T) {
	e, send := stuckEdge(t)
	notify := func(n int) {
		for i := range n {
			e.storeNotification(fmt.Appendf(nil, `{"id":"n%d","from":"ana@t.org/1","to":"rui@t.org/1","event":"received","metadata":{"x":"%s"}}`,
				i, strings.Repeat("x", 64<<10)))
		}
	}
	const more = 10
	notify(notificationBytes/(64<<10) + more)
	if got := e.count("limegrove_routing_dropped_total", string(dropNotifications)); got < more || got > 2*more {
		t.Errorf("%v notifications are dropped, want %d and few more", got, more)
	}
	e.WantDropped("and under no other reason", dropNoRecipient, 0)
	if got := e.budget.used.Load(); got > budgetBytes/4 {
		t.Errorf("notifications have %d bytes of %d", got, budgetBytes)
	}
	m, _ := e.taker("ana")
	if err := send(m, "m1", 1<<10); err != nil {
		t.Errorf("a message is refused: %v", err)
	}
	e.outbox.look(time.Now().Add(time.Hour))
	if n := e.budget.notifications.Load(); n != 0 {
		t.Errorf("%d bytes are under way at the end", n)
	}
	notify(1)
	e.WantDropped("there is room again", dropNotifications, e.count("limegrove_routing_dropped_total", string(dropNotifications)))
	if e.budget.notifications.Load() == 0 {
		t.Error("a notification finds no room where all is free")
	}
}

// What waits until it is known whom it is for counts as well.
func TestWhatWaitsForItsRecipientIsInTheBudget(t *testing.T) {
	e, send := stuckEdge(t)
	clear(e.recipients.known.young)
	m, c := e.taker("ana")
	for n := 0; !c.held; n++ {
		if err := send(m, fmt.Sprint("m", n), 16<<10); err != nil {
			t.Fatal(err)
		}
	}
	if used := e.budget.used.Load(); used < budgetBytes/holdPart/2 || len(e.outbox.fresh) != 0 {
		t.Errorf("%d bytes are counted, and %d messages went on", used, len(e.outbox.fresh))
	}
	e.recipients.answer(<-e.recipients.ask, refusedFor(time.Hour, reasonStranger), false)
	if used := e.budget.used.Load(); used != 0 || c.held {
		t.Errorf("they are refused, and %d bytes are counted; the session is held %v", used, c.held)
	}
	if err := send(m, "n", 1<<10); err == nil || e.budget.used.Load() != 0 {
		t.Errorf("another one is told %v, and %d bytes are counted", err, e.budget.used.Load())
	}
}
