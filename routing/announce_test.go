package routing

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// listener is a router that is told of presences, and answers when the test says so.
type listener struct {
	w *world

	mu      sync.Mutex
	told    []string
	replies []*nats.Msg
}

func (w *world) listener() *listener {
	w.Helper()
	l, nc := &listener{w: w}, w.connect()
	_, err := nc.QueueSubscribe(subject.Presences, routers, func(msg *nats.Msg) {
		var e PresenceEvent
		if err := json.Unmarshal(msg.Data, &e); err != nil {
			w.Errorf("told %s: %v", msg.Data, err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.told = append(l.told, string(msg.Data))
		l.replies = append(l.replies, msg)
	})
	if err != nil {
		w.Fatal(err)
	}
	w.flush(nc)
	return l
}

// want waits for just these events since it was last asked.
func (l *listener) want(why string, events ...string) {
	l.w.Helper()
	l.w.quiet()
	eventually(l.w, why, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.told) >= len(events)
	})
	l.w.quiet()
	l.mu.Lock()
	defer l.mu.Unlock()
	if fmt.Sprint(l.told) != fmt.Sprint(events) {
		l.w.Errorf("%s: told %s, want %s", why, l.told, events)
	}
	l.told = nil
}

// answer says that all of it is done.
func (l *listener) answer() {
	l.w.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, msg := range l.replies {
		if err := msg.Respond(nil); err != nil {
			l.w.Error(err)
		}
	}
	l.replies = nil
}

// answered waits until an edge has no event under way.
func (l *listener) answered(e *testEdge) {
	l.w.Helper()
	l.answer()
	eventually(l.w, "all is answered", func() bool { return e.announcer.pending() == 0 })
}

func TestRoutersAreToldWhatOthersMaySee(t *testing.T) {
	w := newWorld(t)
	e, l := w.edge("a", Config{}), w.listener()
	ana := e.Login("Ana@t.org/home")
	l.want("she has not said anything")
	for _, step := range []struct {
		p    lime.Presence
		want string
	}{
		{lime.Presence{Status: lime.StatusAvailable}, `{"identity":"Ana@t.org","fresh":["home"]}`},
		{lime.Presence{Status: lime.StatusAvailable, Message: "hello"}, `{"identity":"Ana@t.org"}`},
		{lime.Presence{Status: lime.StatusAvailable, Message: "hello", Echo: true}, `{"identity":"Ana@t.org","again":true}`},
		{lime.Presence{Status: lime.StatusInvisible}, `{"identity":"Ana@t.org","seen":true}`},
		{lime.Presence{Status: lime.StatusInvisible, Message: "nobody knows"}, ""},
		{lime.Presence{Status: lime.StatusUnavailable}, ""},
		{lime.Presence{Status: lime.StatusInvisible}, `{"identity":"Ana@t.org","again":true,"fresh":["home"]}`},
		{lime.Presence{Status: lime.StatusBusy}, `{"identity":"Ana@t.org"}`},
	} {
		p := step.p
		ana.SetPresence(&p)
		if step.want == "" {
			l.want(fmt.Sprintf("%+v", p))
		} else {
			l.want(fmt.Sprintf("%+v", p), step.want)
		}
		l.answered(e)
	}
	ana.Leave()
	l.want("she leaves", `{"identity":"Ana@t.org","seen":true}`)
	l.answered(e)

	p := lime.Presence{Status: lime.StatusAvailable}
	guest := e.Guest("guest@t.org/1")
	guest.SetPresence(&p)
	l.want("a guest")
	guest.Leave()
	l.want("a guest leaves")
}

func TestWhatHappensMeanwhileIsToldTogether(t *testing.T) {
	w := newWorld(t)
	e, l := w.edge("a", Config{}), w.listener()
	available, away := lime.Presence{Status: lime.StatusAvailable}, lime.Presence{Status: lime.StatusAway}
	ana := e.Login("ana@t.org/1", available)
	l.want("at once", `{"identity":"ana@t.org","fresh":["1"]}`)
	for range 5 {
		ana.SetPresence(&away)
		w.quiet()
		ana.SetPresence(&available)
		w.quiet()
	}
	e.Login("ana@t.org/2", away)
	ana.Leave()
	l.want("nothing is answered yet")
	l.answer()
	l.want("all else", `{"identity":"ana@t.org","seen":true,"fresh":["2"]}`)
	l.answered(e)
}

func TestWhatIsNotAnsweredIsToldAgain(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	ana := e.Login("ana@t.org/1", lime.Presence{Status: lime.StatusAvailable})
	w.quiet()
	if n := e.announcer.pending(); n != 1 {
		t.Fatalf("%d are under way without a router", n)
	}
	l := w.listener()
	ana.SetPresence(&lime.Presence{Status: lime.StatusAway})
	l.want("not before its time")
	e.announcer.again(time.Now())
	l.want("nor then")
	e.announcer.again(time.Now().Add(announcePatience + time.Second))
	l.want("then", `{"identity":"ana@t.org","fresh":["1"],"doubt":true}`)
	first := slices.Clone(l.replies)
	e.announcer.again(time.Now().Add(announcePatience + time.Second))
	l.want("it is more patient now")
	e.announcer.again(time.Now().Add(2*announcePatience + time.Second))
	l.want("and again", `{"identity":"ana@t.org","fresh":["1"],"doubt":true}`)
	if err := first[0].Respond(nil); err != nil {
		t.Fatal(err)
	}
	w.quiet()
	if n := e.announcer.pending(); n != 1 {
		t.Errorf("%d are under way after an old answer", n)
	}
	l.answered(e)
}

func TestWhoIsRegisteredAgainIsNoNews(t *testing.T) {
	w := newWorld(t)
	e, l := w.edge("a", Config{}), w.listener()
	e.Login("ana@t.org/1", lime.Presence{Status: lime.StatusAvailable})
	l.want("she is there", `{"identity":"ana@t.org","fresh":["1"]}`)
	e.Login("rui@t.org/1", lime.Presence{Status: lime.StatusInvisible})
	l.want("he is, and hides", `{"identity":"rui@t.org","again":true,"fresh":["1"]}`)
	l.answered(e)
	e.Login("lia@t.org/1")
	l.want("she has not said anything")
	w.registry.Flush()
	e.RegisterAll()
	l.want("of the one whom others see", `{"identity":"ana@t.org","again":true}`)
	l.answered(e)
}

// The newer session has not said yet that it is there.
func TestWhoIsReplacedIsNotSeenAnyMore(t *testing.T) {
	for _, where := range []string{"a", "b"} {
		t.Run(where, func(t *testing.T) {
			w := newWorld(t)
			edges := map[string]*testEdge{"a": w.edge("a", Config{}), "b": w.edge("b", Config{})}
			l := w.listener()
			edges["a"].Login("ana@t.org/1", lime.Presence{Status: lime.StatusAvailable})
			l.want("she is there", `{"identity":"ana@t.org","fresh":["1"]}`)
			l.answered(edges["a"])
			edges[where].Login("ana@t.org/1")
			l.want("she is replaced", `{"identity":"ana@t.org","seen":true}`)
			l.answered(edges["a"])
		})
	}
}

func TestRedisIsToldBeforeRouters(t *testing.T) {
	w := newWorld(t)
	e, l := w.edge("a", Config{}), w.listener()
	ana := e.Login("ana@t.org/1")
	w.quiet()
	w.registry.SetAway(true)
	ana.SetPresence(&lime.Presence{Status: lime.StatusAvailable})
	eventually(t, "Redis was tried", func() bool { return w.registry.Calls("update") > 0 })
	w.settle()
	if len(l.told) > 0 {
		t.Errorf("told %s while Redis does not know", l.told)
	}
	w.registry.SetAway(false)
	l.want("when it knows", `{"identity":"ana@t.org","fresh":["1"]}`)
	l.answered(e)
}

func TestAWorkerTakesWordOfPresences(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	type word struct {
		PresenceEvent
		done func()
	}
	words := make(chan word, 10)
	w.worker(WorkerConfig{Presence: func(e PresenceEvent, done func()) bool {
		words <- word{e, done}
		return true
	}})
	w.publishTo(e.nc, "presence.org.t.@.ana", "", "no JSON")
	e.Login("Ana@t.org/1", lime.Presence{Status: lime.StatusAvailable})
	select {
	case got := <-words:
		if got.Identity.String() != "Ana@t.org" || fmt.Sprint(got.Fresh) != "[1]" || got.Again || got.Seen || got.Doubt {
			t.Errorf("told %+v", got.PresenceEvent)
		}
		w.quiet()
		if n := e.announcer.pending(); n != 1 {
			t.Errorf("%d are under way before it is done", n)
		}
		got.done()
	case <-time.After(patience):
		t.Fatal("no word")
	}
	eventually(t, "it is done", func() bool { return e.announcer.pending() == 0 })
}
