package presencetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"limegrove/presence"
)

func ignoring(t *testing.T, w *world) {
	until := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	want := func(what string, peers ...presence.Ignored) {
		t.Helper()
		all, err := w.store.Ignored(w.ctx())
		w.must("read", err)
		got := map[string]presence.Ignored{}
		for _, one := range all {
			got[one.Peer] = one
		}
		for _, one := range peers {
			if is := got[one.Peer]; !is.Until.Equal(one.Until) || is.By != one.By || is.Stopped != one.Stopped {
				t.Errorf("%s: it is %+v, want %+v", what, is, one)
			}
		}
		if len(got) != len(peers) {
			t.Errorf("%s: they are %+v", what, got)
		}
	}
	want("at first")
	ana := presence.Ignored{Peer: "ana@x", Until: until, By: "127.0.0.1:1 by edge"}
	domain := presence.Ignored{Peer: "spam.example", Until: until.Add(time.Hour)}
	w.must("ignore", w.store.Ignore(w.ctx(), ana, false))
	w.must("ignore a domain", w.store.Ignore(w.ctx(), domain, true))
	want("both", ana, domain)
	again := ana
	again.By = "another"
	w.must("bring back what is there", w.store.Ignore(w.ctx(), again, true))
	want("what is there stays", ana, domain)
	again.Stopped = true
	w.must("stop", w.store.Ignore(w.ctx(), again, false))
	w.must("bring back what was stopped", w.store.Ignore(w.ctx(), ana, true))
	want("stopped", again, domain)
	soon := presence.Ignored{Peer: "rui@x/home", Until: time.Now().Add(50 * time.Millisecond).Truncate(time.Millisecond)}
	w.must("ignore for a moment", w.store.Ignore(w.ctx(), soon, false))
	w.eventually("it is over", func() error {
		all, err := w.store.Ignored(w.ctx())
		if err == nil && len(all) != 2 {
			err = fmt.Errorf("there are %+v", all)
		}
		return err
	})
	if err := w.store.Ignore(w.ctx(), presence.Ignored{Peer: "x", Until: time.Now()}, false); err == nil {
		t.Error("somebody is ignored for no time")
	}
	for i := range presence.MostIgnored - 2 {
		w.must("ignore one more", w.store.Ignore(w.ctx(), presence.Ignored{Peer: fmt.Sprint("n", i, "@x"), Until: until}, false))
	}
	if err := w.store.Ignore(w.ctx(), presence.Ignored{Peer: "more@x", Until: until}, false); !errors.Is(err, presence.ErrTooManyIgnored) {
		t.Errorf("one more than may be: %v", err)
	}
	w.must("change one of as many", w.store.Ignore(w.ctx(), ana, false))
	w.redis.Flush(t)
	want("after a flush")
}
