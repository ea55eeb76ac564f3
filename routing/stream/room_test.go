package stream_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/routing/stream"
)

func TestRooms(t *testing.T) {
	suite(t, map[string]func(*world){
		"rooms keep their last messages":          testRooms,
		"what they keep is the operator's":        testRoomBounds,
		"without rooms that keep any, no streams": testNoRooms,
	})
}

const lobby, hall = "roomlog.0.org.t.@./1.lobby", "roomlog.0.org.t.@./1.hall"

// say publishes to a room that keeps it.
func (w *world) say(s *stream.Streams, subject, id string) {
	w.Helper()
	m := nats.NewMsg(subject)
	m.Data = []byte(id)
	m.Header.Set(nats.MsgIdHdr, id)
	for _, err := range s.StoreInOrder(w.ctx, []*nats.Msg{m}) {
		w.must("publish", err)
	}
}

func testRooms(w *world) {
	s := w.open(stream.Config{Rooms: true, RoomMessages: 3})
	nc := w.broker.Connect()
	live, err := nc.SubscribeSync("room.org.t.@./1.lobby")
	w.must("subscribe", err)
	w.must("flush", nc.FlushWithContext(w.ctx))
	before, err := s.RoomsState(w.ctx, 0)
	w.must("state", err)
	for i := range 5 {
		w.say(s, lobby, fmt.Sprint("l", i))
		w.say(s, hall, fmt.Sprint("h", i))
	}
	w.say(s, lobby, "l4") // again
	state, err := s.RoomsState(w.ctx, 0)
	w.must("state", err)
	// Of the ten the first four have gone.
	if state.Most != 3 || state.Last != before.Last+10 || state.First != before.Last+5 {
		w.Errorf("behind %+v it is %+v", before, state)
	}
	w.eventually("the rest is read", func() bool {
		page, err := s.ReadRoom(w.ctx, 0, lobby, before.Last+1, 2, 1<<20)
		w.must("read", err)
		return len(page.Messages) == 2 && page.More && page.Pending == 1 &&
			string(page.Messages[0].Data) == "l2" && string(page.Messages[1].Data) == "l3"
	})
	w.eventually("the last is told", func() bool {
		m, err := live.NextMsg(time.Second)
		return err == nil && string(m.Data) == "l4" && m.Header.Get("Nats-Sequence") == fmt.Sprint(state.Last-1) &&
			m.Header.Get("Nats-Last-Sequence") == fmt.Sprint(state.Last-3)
	})
}

func testRoomBounds(w *world) {
	w.open(stream.Config{Rooms: true, RoomMessages: 3})
	s := w.open(stream.Config{Rooms: true, RoomMessages: 30, RoomAge: time.Hour})
	if state, err := s.RoomsState(w.ctx, 0); err != nil || state.Most != 3 {
		w.Errorf("it is %+v (%v)", state, err)
	}
	s = w.open(stream.Config{Rooms: true, RoomMessages: 2})
	if state, err := s.RoomsState(w.ctx, 0); err != nil || state.Most != 2 {
		w.Errorf("it is %+v (%v), though there may have been less room before", state, err)
	}
}

func testNoRooms(w *world) {
	s := w.open(stream.Config{})
	if state, err := s.RoomsState(w.ctx, 0); err == nil {
		w.Errorf("there are rooms: %+v", state)
	}
}
