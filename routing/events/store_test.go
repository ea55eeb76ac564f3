package events_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"limegrove/event"
	"limegrove/routing/events"
)

func TestAPlaceIsKeptByOneAtATime(t *testing.T) {
	s := opened(t, 2)
	ctx := t.Context()
	mine, err := s.Place(ctx, 1, "push")
	if err != nil || mine.Next != 0 {
		t.Fatalf("%+v, %v", mine, err)
	}
	others, err := s.Place(ctx, 1, "push")
	if err != nil {
		t.Fatal(err)
	}
	mine.Next, mine.Stream = 10, "x"
	if mine, err = s.Keep(ctx, 1, "push", mine); err != nil {
		t.Fatal(err)
	}
	others.Next = 7
	if _, err = s.Keep(ctx, 1, "push", others); !errors.Is(err, events.ErrPlaceLost) {
		t.Errorf("who has read before keeps it: %v", err)
	}
	mine.Next = 11
	if mine, err = s.Keep(ctx, 1, "push", mine); err != nil {
		t.Fatal(err)
	}
	if _, err = s.Keep(ctx, 1, "crm", events.Place{Next: 3}); err != nil {
		t.Fatal(err)
	}
	all, err := s.Places(ctx, 1)
	if err != nil || len(all) != 2 || all["push"].Next != 11 || all["push"].Stream != "x" || all["crm"].Next != 3 {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err = s.Places(ctx, 0); err != nil || len(all) != 0 {
		t.Errorf("of another partition: %+v, %v", all, err)
	}
	if again, err := s.Place(ctx, 1, "push"); err != nil || again != mine {
		t.Errorf("%+v, %v, want %+v", again, err, mine)
	}
}

// ending is a context that is done when somebody has looked so often whether it is, and the library
// waits for a reader by then.
type ending struct {
	context.Context
	end   context.CancelFunc
	looks atomic.Int32
}

func (e *ending) Done() <-chan struct{} {
	if e.looks.Add(-1) == 0 {
		for deadline := time.Now().Add(time.Minute); !libraryWaits() && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		e.end()
	}
	return e.Context.Done()
}

// libraryWaits tells whether a watcher of the library's has no room for what has come.
func libraryWaits() bool {
	text := make([]byte, 1<<20)
	text = text[:runtime.Stack(text, true)]
	return slices.ContainsFunc(bytes.Split(text, []byte("\n\n")), func(one []byte) bool {
		return bytes.Contains(one, []byte("[chan send")) && bytes.Contains(one, []byte("WatchFiltered"))
	})
}

func TestPlacesThatAreNotReadToTheEndHoldUpNobody(t *testing.T) {
	s := opened(t, 1)
	for i := range 1000 { // the library holds 256
		if _, err := s.Keep(t.Context(), 0, fmt.Sprint(i), events.Place{Next: 1}); err != nil {
			t.Fatal(err)
		}
	}
	others := goleak.IgnoreCurrent()
	for range 8 { // what is read once more may make room
		ctx, cancel := context.WithCancel(t.Context())
		e := &ending{Context: ctx, end: cancel}
		e.looks.Store(300) // once for each that is read, and some times before
		_, err := s.Places(e, 0)
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("reading ends with %v", err)
		}
	}
	goleak.VerifyNone(t, others)
}

func TestDeadLettersAreReadAndReplayed(t *testing.T) {
	s := opened(t, 2)
	ctx := t.Context()
	p := events.NewPublisher(events.PublisherConfig{Streams: s.Streams, Types: []event.Type{event.SessionStarted}})
	const n = 5
	for i := range n {
		if err := p.Store(ctx, []event.Event{started("ana@t", i)}); err != nil {
			t.Fatal(err)
		}
	}
	part := 0
	if len(read(t, s, 0)) == 0 {
		part = 1
	}
	all := read(t, s, part)
	for range 2 { // which JetStream knows
		if err := s.Bury(ctx, "push", "it says 400", all); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Bury(ctx, "crm", "x", all[:1]); err != nil {
		t.Fatal(err)
	}
	counts, err := s.CountDeadLetters(ctx)
	if err != nil || counts["push"] != n || counts["crm"] != 1 || len(counts) != 2 {
		t.Errorf("%v, %v", counts, err)
	}
	var got []events.Letter
	pages := 0
	for from := uint64(0); pages == 0 || from != 0; pages++ {
		page, next, err := s.Letters(ctx, "push", from, 2)
		if err != nil {
			t.Fatal(err)
		}
		got, from = append(got, page...), next
	}
	if len(got) != n || pages != 3 {
		t.Fatalf("%d letters in %d pages", len(got), pages)
	}
	for i, l := range got {
		if l.Reason != "it says 400" || l.At.IsZero() || string(l.Event) != string(all[i].Event) {
			t.Errorf("letter %d: %+v", i, l)
		}
	}

	if err := s.Replay(ctx, "crm", got[3].Sequence); !errors.Is(err, events.ErrNoLetter) {
		t.Errorf("one of another endpoint: %v", err)
	}
	if err := s.Replay(ctx, "push", got[3].Sequence); err != nil {
		t.Fatal(err)
	}
	if err := s.Replay(ctx, "push", got[3].Sequence); !errors.Is(err, events.ErrNoLetter) {
		t.Errorf("twice: %v", err)
	}
	if err := s.Drop(ctx, "push", got[0].Sequence); err != nil {
		t.Fatal(err)
	}
	if err := s.Drop(ctx, "push", got[0].Sequence); !errors.Is(err, events.ErrNoLetter) {
		t.Errorf("twice: %v", err)
	}
	if did, err := s.ReplayAll(ctx, "push"); err != nil || did != 3 {
		t.Errorf("%d, %v", did, err)
	}
	if did, err := s.ReplayAll(ctx, "push"); err != nil || did != 0 {
		t.Errorf("%d, %v", did, err)
	}
	var told []string
	for _, e := range read(t, s, part)[n:] {
		if e.Endpoint != "push" || e.Type != event.SessionStarted {
			t.Errorf("told to %q: %s", e.Endpoint, e.Event)
		}
		i := slices.IndexFunc(all, func(a events.Stored) bool { return string(a.Event) == string(e.Event) })
		told = append(told, fmt.Sprint(i))
	}
	if !slices.Equal(told, []string{"3", "1", "2", "4"}) {
		t.Errorf("told again: %v", told)
	}
	if did, err := s.DropAll(ctx, "crm"); err != nil || did != 1 {
		t.Errorf("%d, %v", did, err)
	}
	if counts, err := s.CountDeadLetters(ctx); err != nil || len(counts) != 0 {
		t.Errorf("left: %v, %v", counts, err)
	}
}

func TestAllDeadLettersOfWhoIsBusyAreReplayed(t *testing.T) {
	const n = 1500 // more than wait of one identity otherwise
	s := opened(t, 1)
	ctx := t.Context()
	var all []events.Stored
	for i := range n {
		text, err := started("ana@t", i).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, events.Stored{Sequence: uint64(i + 1), ID: fmt.Sprint(i), Type: event.SessionStarted, Event: text})
	}
	if err := s.Bury(ctx, "push", "x", all); err != nil {
		t.Fatal(err)
	}
	if did, err := s.ReplayAll(ctx, "push"); err != nil || did != n {
		t.Fatalf("%d, %v", did, err)
	}
	got := read(t, s, 0)
	for i, e := range got {
		if string(e.Event) != string(all[i].Event) || e.Domain != "t" {
			t.Fatalf("%d is %+v", i, e)
		}
	}
	if len(got) != n {
		t.Errorf("%d are told again, want %d", len(got), n)
	}
}

func TestABacklogIsWhatIsBehindPlaces(t *testing.T) {
	s := opened(t, 3)
	ctx := t.Context()
	p := events.NewPublisher(events.PublisherConfig{Streams: s.Streams, Types: []event.Type{event.SessionStarted}})
	want := func(n int) {
		t.Helper()
		got, oldest, err := s.Backlog(ctx, "push")
		if err != nil || got != n || oldest.IsZero() != (n == 0) {
			t.Errorf("%d since %v, %v; want %d", got, oldest, err, n)
		}
	}
	want(0)
	for i := range 10 {
		if err := p.Store(ctx, []event.Event{started(fmt.Sprintf("u%d@t", i), i)}); err != nil {
			t.Fatal(err)
		}
	}
	want(10)
	left := 10
	for part := range 3 {
		all := read(t, s, part)
		if len(all) == 0 {
			continue
		}
		if _, err := s.Keep(ctx, part, "push", events.Place{Next: all[len(all)-1].Sequence + 1, Stream: s.EventsName(part)}); err != nil {
			t.Fatal(err)
		}
		left -= len(all)
		want(left)
	}
	all := read(t, s, 0)
	place, err := s.Place(ctx, 0, "push")
	if err != nil {
		t.Fatal(err)
	}
	place.Stream = "another, which was removed"
	if _, err := s.Keep(ctx, 0, "push", place); err != nil {
		t.Fatal(err)
	}
	want(len(all)) // what such a place says is not of this stream
}

func TestWhoFollowsIsWoken(t *testing.T) {
	s := opened(t, 1)
	woken := make(chan struct{}, 16)
	stop, err := s.Follow(0, func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	p := events.NewPublisher(events.PublisherConfig{Streams: s.Streams, Types: []event.Type{event.SessionStarted}})
	if err := p.Store(t.Context(), []event.Event{started("ana@t", 1)}); err != nil {
		t.Fatal(err)
	}
	<-woken
}
