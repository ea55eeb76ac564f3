package stream_test

import (
	"errors"
	"time"

	"limegrove/routing/stream"
)

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
