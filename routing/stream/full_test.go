package stream_test

import (
	"errors"
	"fmt"
	"strings"

	"limegrove/routing/stream"
)

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
