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
		"copies while the leader steps down":      testCopyDuringStepDown,
	})
}

func testWalk(w *world) {
	s := w.open(stream.Config{})
	var want []uint64
	for i := range 20 {
		want = append(want, w.store([]string{ana, rui}[i%2], "x", "X-Number", itoa(i)))
		if i == 10 { // makes a mark in the middle, which is no entry
			_, _, err := s.LastLog(w.ctx, 0, []string{ana})
			w.must("last", err)
		}
	}
	all := w.walkAll(s)
	if len(all) != len(want) {
		w.Fatalf("%d entries, want %d", len(all), len(want))
	}
	for i, e := range all {
		if e.Sequence != want[i] || e.Subject != []string{ana, rui}[i%2] || e.Header.Get("X-Number") != itoa(i) {
			w.Fatalf("entry %d is %+v", i, e)
		}
	}
	walk, err := s.WalkLog(w.ctx, 0, want[19]+5, time.Now(), 10)
	if err != nil || len(walk.Entries) > 0 || walk.Through != want[19]+4 || walk.More {
		w.Fatalf("behind the end: %+v, %v", walk, err)
	}
}

func testWalkBefore(w *world) {
	s := w.open(stream.Config{})
	w.store(ana, "old")
	m, err := s.GetLog(w.ctx, 0, w.store(ana, "new"))
	w.must("get", err)
	w.eventually("a walk up to the new one", func() bool {
		walk, err := s.WalkLog(w.ctx, 0, 0, m.Stored, 10)
		w.must("walk", err)
		if len(walk.Entries) > 1 || walk.More {
			w.Fatalf("went on to %+v", walk)
		}
		return len(walk.Entries) == 1 && walk.Through == m.Sequence-1
	})
}

func testWalkGap(w *world) {
	s := w.open(stream.Config{})
	w.store(ana, "1")
	gone := w.store(ana, "2")
	w.store(ana, "3")
	log, err := w.js.Stream(w.ctx, "LOG_0")
	w.must("log", err)
	w.must("an operator deletes", log.DeleteMsg(w.ctx, gone))
	if all := w.walkAll(s); len(all) < 2 || all[len(all)-1].Sequence != gone+1 {
		w.Fatalf("walked %+v", all)
	}
}

// What a consumer has sent once it does not send again.
func testWalkLoss(w *world) {
	s := w.open(stream.Config{})
	later := time.Now().Add(time.Hour)
	first := w.store(ana, "1")
	var through uint64
	w.eventually("the first is walked", func() bool {
		walk, err := s.WalkLog(w.ctx, 0, first, later, 10)
		w.must("walk", err)
		through = walk.Through
		return through == first
	})
	_, err := s.WalkLog(w.ctx, 0, through+1, later, 10) // goes on, by a consumer
	w.must("walk", err)
	for i := range 6 {
		w.store(ana, itoa(i+2))
	}
	w.eventually("three are taken from the walk's consumer", func() bool {
		log, err := w.js.Stream(w.ctx, "LOG_0")
		w.must("log", err)
		taken := 0
		for info := range log.ListConsumers(w.ctx).Info() {
			c, err := log.Consumer(w.ctx, info.Name)
			w.must("consumer", err)
			batch, err := c.FetchNoWait(3)
			w.must("take", err)
			for range batch.Messages() {
				taken++
			}
		}
		return taken >= 3
	})
	failed := false
	w.eventually("all are walked", func() bool {
		walk, err := s.WalkLog(w.ctx, 0, through+1, later, 10)
		if err != nil {
			if !errors.Is(err, stream.ErrUnavailable) {
				w.Fatalf("walk: %v", err)
			}
			failed = true
			return false
		}
		for i, e := range walk.Entries {
			if e.Sequence != through+1+uint64(i) {
				w.Fatalf("walked from %d to %d", through, e.Sequence)
			}
		}
		through = walk.Through
		return through >= first+6
	})
	if !failed {
		w.Fatal("nothing was lost: this tests nothing")
	}
}

// Walks that begin anew, as one that looks at the log's head does, leave nothing behind.
func testWalkLeavesLittle(w *world) {
	s := w.open(stream.Config{})
	w.store(ana, "1")
	later := time.Now().Add(time.Hour)
	next := uint64(1)
	for range 20 {
		walk, err := s.WalkLog(w.ctx, 0, next, later, 10) // one goes on
		w.must("walk", err)
		next = walk.Through + 1
		_, err = s.WalkLog(w.ctx, 0, 0, later, 1) // and one begins
		w.must("walk", err)
	}
	info, err := w.js.Stream(w.ctx, "LOG_0")
	w.must("log", err)
	if n := info.CachedInfo().State.Consumers; n > 1 {
		w.Fatalf("%d consumers are left", n)
	}
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

func testCount(w *world) {
	s := w.open(stream.Config{})
	second := uint64(0)
	for i, subject := range []string{ana, "log.0.org.example.@.ana._", rui, "log.0.org.example.@.anabel._", ana} {
		if seq := w.store(subject, strings.Repeat("x", 1000)); i == 1 {
			second = seq
		}
	}
	w.must("copy", errors.Join(s.Copy(w.ctx, 0, w.transfers(s))...))
	const log, inbox = "log.0.org.example.@.ana.*", "inbox.0.org.example.@.ana.*"
	for what, count := range map[string]struct {
		of   func() (int, error)
		want int
	}{
		"what waits":              {func() (int, error) { return s.Waiting(w.ctx, 0, inbox) }, 3},
		"what waits for a node":   {func() (int, error) { return s.Waiting(w.ctx, 0, anaInbox) }, 2},
		"what waits for nobody":   {func() (int, error) { return s.Waiting(w.ctx, 0, "inbox.0.org.example.@.lia.*") }, 0},
		"what is logged":          {func() (int, error) { return s.Logged(w.ctx, 0, log, 0) }, 3},
		"what is logged later":    {func() (int, error) { return s.Logged(w.ctx, 0, log, second+1) }, 1},
		"what is logged too late": {func() (int, error) { return s.Logged(w.ctx, 0, log, second+100) }, 0},
	} {
		w.eventually(fmt.Sprintf("%s is %d", what, count.want), func() bool {
			n, err := count.of()
			return err == nil && n == count.want
		})
	}
}

func testFull(w *world) {
	s := w.open(stream.Config{InboxLimit: 1}) // the stream takes two
	for i := range 4 {
		w.store(ana, "m"+itoa(i))
	}
	w.store(rui, "other")
	errs := s.Copy(w.ctx, 0, w.transfers(s))
	for i, want := range []error{nil, nil, stream.ErrFull, stream.ErrFull, nil} {
		if !errors.Is(errs[i], want) {
			w.Errorf("copy %d: %v, want %v", i, errs[i], want)
		}
	}
}

func testFullBytes(w *world) {
	s := w.open(stream.Config{InboxBytes: 8192})
	for range 4 {
		w.store(ana, strings.Repeat("x", 3000))
	}
	errs := s.Copy(w.ctx, 0, w.transfers(s))
	if errs[0] != nil || !errors.Is(errs[3], stream.ErrFull) {
		w.Fatalf("got %v", errs)
	}
}

// What is behind a message that found no room, of the same address, is not there before
// it, though it would fit.
func testFullKeepsOrder(w *world) {
	s := w.open(stream.Config{InboxBytes: 8192})
	w.store(ana, strings.Repeat("x", 5000))
	w.store(ana, strings.Repeat("x", 4000))
	w.store(ana, "short")
	w.store(rui, "short")
	errs := s.Copy(w.ctx, 0, w.transfers(s))
	for i, want := range []error{nil, stream.ErrFull, stream.ErrFull, nil} {
		if !errors.Is(errs[i], want) {
			w.Errorf("copy %d: %v, want %v", i, errs[i], want)
		}
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

// A copy has more headers than what it is a copy of.
func testTooLong(w *world) {
	s := w.open(stream.Config{})
	w.store(ana, strings.Repeat("x", int(w.nc.MaxPayload())-40))
	w.store(ana, "short")
	errs := s.Copy(w.ctx, 0, w.transfers(s))
	if !errors.Is(errs[0], stream.ErrRefused) || errs[1] != nil {
		w.Fatalf("got %v", errs)
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

// A log that takes nothing can be looked at by those for whom it has nothing, too.
func testFullLog(w *world) {
	s := w.open(stream.Config{LogBytes: 8192})
	last := w.store(ana, "before")
	w.must("purge", s.PurgeLog(w.ctx, 0, last+10)) // of the mark as well
	for full := false; !full; {
		reply, err := w.nc.RequestWithContext(w.ctx, ana, nil)
		w.must("store", err)
		full = strings.Contains(string(reply.Data), "maximum bytes exceeded")
	}
	page, err := s.ReadLog(w.ctx, 0, rui, 0, 1, 1<<10)
	w.must("read what there is for another", err)
	if len(page.Messages) > 0 || page.Through < last {
		w.Fatalf("got %+v", page)
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

func testWalkInbox(w *world) {
	s := w.open(stream.Config{})
	walk := func(from uint64, since time.Time, most int) stream.Page {
		w.Helper()
		page, err := s.WalkInbox(w.ctx, 0, from, since, most, 1<<20)
		w.must("walk", err)
		return page
	}
	if page := walk(0, time.Now().Add(-time.Hour), 10); len(page.Messages) > 0 || page.Through != 0 || page.More {
		w.Fatalf("an empty inbox has %+v", page)
	}
	for i := range 6 {
		w.store([]string{ana, rui}[i%2], "m"+itoa(i), stream.LifetimeHeader, "300")
	}
	w.must("copy", errors.Join(s.Copy(w.ctx, 0, w.transfers(s)[:3])...))
	_, _, err := s.LastInbox(w.ctx, 0, []string{anaInbox}) // makes a mark in the middle
	w.must("last", err)
	w.must("copy", errors.Join(s.Copy(w.ctx, 0, w.transfers(s)[3:])...))
	var all []stream.Message
	w.eventually("all six are walked", func() bool {
		all = all[:0]
		for from, more := uint64(1), true; more; {
			page := walk(from, time.Time{}, 2)
			all = append(all, page.Messages...)
			from, more = page.Through+1, page.More
		}
		return len(all) == 6
	})
	for i, m := range all {
		if string(m.Data) != "m"+itoa(i) || m.Position == 0 || m.Subject != []string{anaInbox, ruiInbox}[i%2] || m.Header.Get(stream.LifetimeHeader) != "300" {
			w.Fatalf("message %d is %+v", i, m)
		}
	}
	w.must("delete", s.Delete(w.ctx, 0, all[4].Sequence)) // and a hole
	w.eventually("from a time on", func() bool {
		page := walk(0, all[3].Stored, 10)
		return len(page.Messages) == 2 && page.Messages[0].Sequence == all[3].Sequence && page.Messages[1].Sequence == all[5].Sequence && page.Through == all[5].Sequence
	})
	if page := walk(all[5].Sequence+1, time.Time{}, 10); len(page.Messages) > 0 || page.Through != 0 {
		w.Fatalf("behind the end: %+v", page)
	}
	if page := walk(0, time.Now().Add(time.Hour), 10); len(page.Messages) > 0 || page.Through != 0 {
		w.Fatalf("in an hour: %+v", page)
	}
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
