package stream_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/nats-io/nats.go/jetstream"
	"limegrove/internal/natstest"
	"limegrove/lime"

	"limegrove/routing/stream"
)

const (
	anaInbox = "inbox.0.org.example.@.ana.home"
	ruiInbox = "inbox.0.org.example.@.rui._"
)

func TestMove(t *testing.T) {
	suite(t, map[string]func(*world){
		"a walk sees all in order":                testWalk,
		"a walk ends before what is new":          testWalkBefore,
		"a walk passes a gap that the leader has": testWalkGap,
		"a walk passes over nothing that is lost": testWalkLoss,
		"walks leave one consumer at most":        testWalkLeavesLittle,
		"copies keep position and headers":        testCopy,
		"a copy is stored once":                   testCopyTwice,
		"an identity is counted as a whole":       testCount,
		"a full inbox refuses":                    testFull,
		"a full stream refuses":                   testFullBytes,
		"keeps the order of what finds no room":   testFullKeepsOrder,
		"a log is led past what it ever gave":     testLogIsLedOn,
		"what is too long is refused":             testTooLong,
		"news is stored once":                     testStore,
		"a full log is read all the same":         testFullLog,
		"a guest's copy expires":                  testTTL,
		"a walk through the inbox":                testWalkInbox,
		"deleted is deleted":                      testDelete,
		"a purge leaves what is behind it":        testPurge,
		"an identity is forgotten":                testForget,
		"an inbox is purged":                      testPurgeInbox,
		"copies while the leader steps down":      testCopyDuringStepDown,
	})
}

func testCopy(w *world) {
	s := w.open(stream.Config{})
	for i := range 10 {
		w.store([]string{ana, rui}[i%2], "m"+itoa(i), "X-Own", "kept", "Nats-Msg-Id", "id"+itoa(i))
	}
	list := w.transfers(s)
	w.must("copy", errors.Join(s.Copy(w.ctx, 0, list)...))
	all := w.readAll(func(from uint64) (stream.Page, error) { return s.ReadInbox(w.ctx, 0, anaInbox, from, 2, 1<<20) }, w.inboxEnd(s))
	if len(all) != 5 {
		w.Fatalf("%d copies, want 5", len(all))
	}
	for i, m := range all {
		from := list[2*i].Message
		if m.Position != from.Sequence || string(m.Data) != "m"+itoa(2*i) || m.Header.Get("X-Own") != "kept" ||
			m.Header.Get("Nats-Msg-Id") != fmt.Sprintf("0:%d", from.Sequence) {
			w.Fatalf("copy %d is %+v of %+v", i, m, from)
		}
	}
	if n, err := s.CountInbox(w.ctx, 0, anaInbox); err != nil || n != 5 {
		w.Fatalf("count %d, %v, want 5", n, err)
	}
	if n, err := s.CountInbox(w.ctx, 0, "inbox.0.org.example.@.lia._"); err != nil || n != 0 {
		w.Fatalf("count %d, %v, want 0", n, err)
	}
}

func testCopyTwice(w *world) {
	s := w.open(stream.Config{})
	w.store(ana, "m")
	list := w.transfers(s)
	for range 2 {
		w.must("copy", errors.Join(s.Copy(w.ctx, 0, list)...))
	}
	if n, err := s.CountInbox(w.ctx, 0, anaInbox); err != nil || n != 1 {
		w.Fatalf("count %d, %v, want 1", n, err)
	}
}

// What operators do after a power cut, as docs/operations.md says: what has lost its end
// gives positions above all that it may have given.
func testLogIsLedOn(w *world) {
	s := w.open(stream.Config{})
	w.store(ana, "before")
	log, err := w.js.Stream(w.ctx, "LOG_0")
	w.must("find the log", err)
	next := w.end(s) + 1_000_000
	w.must("lead it on", log.Purge(w.ctx, jetstream.WithPurgeSequence(next)))
	if at := w.store(ana, "after"); at != next {
		w.Errorf("it goes on at %d, not at %d", at, next)
	}
	for _, err := range s.Copy(w.ctx, 0, w.transfers(s)) {
		w.must("copy what is there", err)
	}
	all := w.readAll(func(from uint64) (stream.Page, error) {
		return s.ReadInbox(w.ctx, 0, anaInbox, from, 10, 1<<20)
	}, w.inboxEnd(s))
	if len(all) != 1 || string(all[0].Data) != "after" || all[0].Position != next {
		w.Errorf("there waits %+v, want what came after", all)
	}
}

// News for many is under way together; what is refused is so alone, and what is told
// again is known by its id.
func testStore(w *world) {
	s := w.open(stream.Config{})
	var list []*nats.Msg
	for i := range 1000 {
		list = append(list, &nats.Msg{
			Subject: []string{ana, rui}[i%2], Data: []byte(itoa(i)), Header: nats.Header{"Nats-Msg-Id": {"n" + itoa(i)}},
		})
	}
	list[500].Data = make([]byte, w.nc.MaxPayload())
	for range 2 {
		for i, err := range s.Store(w.ctx, list) {
			if errors.Is(err, stream.ErrRefused) != (i == 500) || (err != nil) != (i == 500) {
				w.Fatalf("message %d: %v", i, err)
			}
		}
	}
	if all := w.walkAll(s); len(all) != 999 {
		w.Fatalf("%d are stored, want 999", len(all))
	}
	w.must("delete", w.js.DeleteStream(w.ctx, "LOG_0"))
	for i, err := range s.Store(w.ctx, list[:10]) {
		if !errors.Is(err, stream.ErrUnavailable) {
			w.Fatalf("without a log message %d: %v", i, err)
		}
	}
}

func testTTL(w *world) {
	s := w.open(stream.Config{})
	w.store(ana, "m")
	list := w.transfers(s)
	list[0].TTL = time.Second
	w.must("copy", errors.Join(s.Copy(w.ctx, 0, list)...))
	w.eventually("it is gone", func() bool {
		n, err := s.CountInbox(w.ctx, 0, anaInbox)
		return err == nil && n == 0
	})
}

func testDelete(w *world) {
	s := w.open(stream.Config{})
	first, second := w.store(ana, "1"), w.store(ana, "2")
	w.must("copy", errors.Join(s.Copy(w.ctx, 0, w.transfers(s))...))
	all := w.readAll(func(from uint64) (stream.Page, error) { return s.ReadInbox(w.ctx, 0, anaInbox, from, 9, 1<<20) }, w.inboxEnd(s))
	for _, seq := range []uint64{all[0].Sequence, all[0].Sequence, 4711} {
		w.must("delete", s.Delete(w.ctx, 0, seq))
	}
	if n, err := s.CountInbox(w.ctx, 0, anaInbox); err != nil || n != 1 {
		w.Fatalf("count %d, %v, want 1", n, err)
	}
	for range 2 {
		w.must("delete of the log", s.DeleteLog(w.ctx, 0, second))
	}
	w.eventually("no replica of the log has it", func() bool {
		_, err := s.GetLog(w.ctx, 0, second)
		return errors.Is(err, stream.ErrNotFound)
	})
	if m, err := s.GetLog(w.ctx, 0, first); err != nil || string(m.Data) != "1" {
		w.Errorf("the log has %+v before it (%v)", m, err)
	}
}

func testPurge(w *world) {
	s := w.open(stream.Config{})
	w.store(ana, "1")
	second := w.store(ana, "2")
	third := w.store(ana, "3")
	for range 2 {
		w.must("purge", s.PurgeLog(w.ctx, 0, second))
	}
	w.eventually("all know", func() bool {
		walk, err := s.WalkLog(w.ctx, 0, 0, time.Now().Add(time.Hour), 10)
		w.must("walk", err)
		return len(walk.Entries) > 0 && walk.Entries[0].Sequence == third
	})
}

func testForget(w *world) {
	s := w.open(stream.Config{})
	w.store("log.0.t.@.ana._", "1")
	w.store("log.0.t.@.ana.home", "2")
	w.store("inbox.0.t.@.ana._", "3")
	w.store("log.0.t.@.anabel._", "4")
	for range 2 {
		w.must("forget", s.Forget(w.ctx, lime.MustParseIdentity("Ana@T")))
	}
	w.eventually("only the other one's message is left", func() bool {
		walk, err := s.WalkLog(w.ctx, 0, 0, time.Now().Add(time.Hour), 10)
		w.must("walk", err)
		n, err := s.CountInbox(w.ctx, 0, "inbox.0.t.@.ana._")
		w.must("count", err)
		return len(walk.Entries) == 1 && walk.Entries[0].Subject == "log.0.t.@.anabel._" && n == 0
	})
}

func testPurgeInbox(w *world) {
	s := w.open(stream.Config{})
	w.store("inbox.0.t.@.ana._", "1")
	middle := w.store("inbox.0.t.@.ana.home", "2")
	w.store("inbox.0.t.@.ana._", "3")
	w.store("inbox.0.t.@.anabel._", "4")
	w.store("log.0.t.@.ana._", "5")
	who := lime.MustParseIdentity("Ana@T")
	n, err := s.PurgeInbox(w.ctx, who, middle)
	if w.must("purge", err); n != 2 {
		w.Errorf("%d were purged up to a sequence, want 2", n)
	}
	n, err = s.PurgeInbox(w.ctx, who, 0)
	if w.must("purge the rest", err); n != 1 {
		w.Errorf("%d were purged then, want 1", n)
	}
	if n, err = s.PurgeInbox(w.ctx, who, 0); n != 0 || err != nil {
		w.Errorf("once more: %d, %v", n, err)
	}
	w.eventually("the other one's message is left", func() bool {
		n, err := s.CountInbox(w.ctx, 0, "inbox.0.t.@.anabel._")
		w.must("count", err)
		logged, err := s.Logged(w.ctx, 0, "log.0.t.@.ana._", 1)
		w.must("count the log", err)
		return n == 1 && logged == 1
	})
}

// However often it is tried again, the inbox has the messages of an address in their
// order and each once.
func testCopyDuringStepDown(w *world) {
	if w.cluster == nil {
		return // one server has no other leader
	}
	s := w.open(stream.Config{})
	for i := range 200 {
		w.store([]string{ana, rui}[i%2], "m"+itoa(i))
	}
	list := w.transfers(s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			w.cluster.StepDown("INBOX_0")
			w.eventually("a leader", func() bool { return w.cluster.Leader("INBOX_0") != nil })
		}
	}()
	for left := list; len(left) > 0; {
		n := min(len(left), 50)
		done := true
		for _, err := range s.Copy(w.ctx, 0, left[:n]) {
			if err != nil && !errors.Is(err, stream.ErrUnavailable) {
				w.Fatalf("copy: %v", err)
			}
			done = done && err == nil
		}
		if done {
			left = left[n:]
		}
		w.must("time", w.ctx.Err())
	}
	<-done
	end := w.inboxEnd(s)
	for i, inbox := range []string{anaInbox, ruiInbox} {
		all := w.readAll(func(from uint64) (stream.Page, error) { return s.ReadInbox(w.ctx, 0, inbox, from, 30, 1<<20) }, end)
		if len(all) != 100 {
			w.Fatalf("%s has %d, want 100", inbox, len(all))
		}
		for j, m := range all {
			if m.Position != list[2*j+i].Message.Position {
				w.Fatalf("%s has position %d at %d", inbox, m.Position, j)
			}
		}
	}
}

// A copy that gets no answer holds back what comes after it, of whatever address.
func TestCopyStopsAtFirstPassingError(t *testing.T) {
	w := newWorld(t, natstest.New(t), nil)
	s := w.open(stream.Config{})
	for range 3 {
		w.store(ana, "m")
	}
	list := w.transfers(s)
	w.must("delete", w.js.DeleteStream(w.ctx, "INBOX_0"))
	errs := s.Copy(w.ctx, 0, list)
	for i, err := range errs {
		if !errors.Is(err, stream.ErrUnavailable) {
			t.Errorf("copy %d: %v, want ErrUnavailable", i, err)
		}
	}
	if !strings.Contains(errs[2].Error(), "not tried") {
		t.Errorf("the third was tried: %v", errs[2])
	}
}
