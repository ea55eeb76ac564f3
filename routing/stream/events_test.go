package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

func TestEvents(t *testing.T) {
	suite(t, map[string]func(*world){
		"they are read in their order and purged":  testEventsInOrder,
		"of one identity none overtakes another":   testEventsOfOne,
		"the oldest go when there is no more room": testFullEvents,
		"one identity has so many and no more":     testEventsOfWhoIsBusy,
		"their streams are kept":                   testEventsRemade,
		"there are none unless they are wanted":    testNoEvents,
	})
}

// events are some about somebody, for partition 0.
func events(whom string, n, size int) (all []*nats.Msg) {
	key, err := subject.MakeKey(lime.MustParseIdentity(whom))
	if err != nil {
		panic(err)
	}
	for i := range n {
		all = append(all, &nats.Msg{
			Subject: key.Event(0), Data: []byte(strings.Repeat("x", size)), Header: nats.Header{nats.MsgIdHdr: []string{fmt.Sprint(whom, i)}},
		})
	}
	return all
}

func (w *world) storeEvents(s *stream.Streams, all []*nats.Msg) {
	w.Helper()
	for _, err := range s.StoreInOrder(w.ctx, all) {
		w.must("store", err)
	}
}

// walkEvents are the ids of all events of partition 0 from a sequence on.
func (w *world) walkEvents(s *stream.Streams, from uint64) (ids []string, first, through uint64) {
	w.Helper()
	end, err := s.EventsEnd(w.ctx, 0)
	w.must("end", err)
	for through = from - 1; through < end; {
		page, err := s.WalkEvents(w.ctx, 0, through+1, 7, 1<<20)
		w.must("walk", err)
		for _, m := range page.Messages {
			if first == 0 {
				first = m.Sequence
			}
			ids = append(ids, m.Header.Get(nats.MsgIdHdr))
		}
		through = max(through, page.Through)
	}
	return ids, first, through
}

func testEventsInOrder(w *world) {
	s := w.open(stream.Config{Events: true})
	w.storeEvents(s, events("ana@t", 20, 10))
	w.storeEvents(s, events("ana@t", 20, 10)) // which are known
	ids, first, through := w.walkEvents(s, 1)
	if len(ids) != 20 || ids[0] != "ana@t0" || ids[19] != "ana@t19" || through != first+19 {
		w.Fatalf("%q from %d through %d", ids, first, through)
	}
	if s.EventsName(0) == "" || s.EventsName(0) == s.LogName(0) {
		w.Errorf("they are in %q", s.EventsName(0))
	}
	w.must("purge", s.PurgeEvents(w.ctx, 0, first+9))
	w.eventually("the purged are gone", func() bool {
		page, err := s.WalkEvents(w.ctx, 0, 1, 100, 1<<20)
		return err == nil && len(page.Messages) == 10 && page.Messages[0].Sequence == first+10
	})
}

func testEventsOfOne(w *world) {
	s := w.open(stream.Config{Events: true})
	all := events("ana@t", 3, 10)
	all[1].Data = make([]byte, 2<<20) // which no stream takes
	errs := s.StoreInOrder(w.ctx, append(all, events("rui@t", 1, 10)...))
	if errs[0] != nil || errs[1] == nil || errs[2] != nil || errs[3] != nil {
		w.Fatalf("%v", errs)
	}
	if ids, _, _ := w.walkEvents(s, 1); len(ids) != 3 {
		w.Errorf("%q", ids)
	}
}

func testFullEvents(w *world) {
	s := w.open(stream.Config{Events: true, EventsBytes: 1 << 20})
	for i := range 3 {
		w.storeEvents(s, events(fmt.Sprintf("ana%d@t", i), 10, 64<<10))
	}
	w.eventually("the last are there and the first are not", func() bool {
		ids, _, _ := w.walkEvents(s, 1)
		return len(ids) < 20 && len(ids) > 5 && ids[len(ids)-1] == "ana2@t9"
	})
}

func testEventsOfWhoIsBusy(w *world) {
	const most = 100
	s := w.open(stream.Config{Events: true, EventsEach: most})
	w.storeEvents(s, events("rui@t", 1, 10))
	w.storeEvents(s, events("ana@t", most+20, 10))
	w.eventually("the oldest of who is busy go", func() bool {
		ids, _, _ := w.walkEvents(s, 1)
		return len(ids) == most+1 && ids[0] == "rui@t0" && ids[1] == "ana@t20"
	})
}

func testEventsRemade(w *world) {
	k := w.processWith(stream.Config{Events: true})
	k.keep()
	name := k.EventsName(1)
	w.must("delete", w.js.DeleteStream(w.ctx, "EVENT_1"))
	w.must("delete", w.js.DeleteStream(w.ctx, "DEAD_LETTERS"))
	w.eventually("both are made anew", func() bool {
		_, err := k.CountDeadLetters(w.ctx)
		return err == nil && k.EventsName(1) != name
	})
	if _, err := k.EventsEnd(w.ctx, 1); err != nil {
		w.Error(err)
	}
}

func testNoEvents(w *world) {
	w.open(stream.Config{EventsAge: time.Hour})
	for _, name := range []string{"EVENT_0", "DEAD_LETTERS"} {
		if _, err := w.js.Stream(w.ctx, name); err == nil {
			w.Errorf("there is %s", name)
		}
	}
	for _, bad := range []stream.Config{{EventsAge: time.Minute}, {EventsBytes: 1000}} {
		if _, err := w.tryOpen(bad); err == nil {
			w.Errorf("%+v is taken", bad)
		}
	}
	w.open(stream.Config{Events: true, EventsAge: time.Hour})
	_, err := w.tryOpen(stream.Config{Events: true, EventsAge: 2 * time.Hour})
	if err == nil || !strings.Contains(err.Error(), "max_age") {
		w.Errorf("another age: %v", err)
	}
}
