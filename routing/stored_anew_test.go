package routing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// anewWorld is a stored world whose process keeps its streams, and an operator who
// deletes them.
type anewWorld struct {
	*storedWorld
	js   jetstream.JetStream
	a, b *testEdge
	p    int // the partition of rui@t.org
}

func newAnewWorld(t *testing.T) *anewWorld {
	w := &anewWorld{storedWorld: newStoredWorld(t)}
	var err error
	if w.js, err = jetstream.New(w.connect()); err != nil {
		t.Fatal(err)
	}
	key, err := subject.MakeKey(lime.MustParseIdentity("rui@t.org"))
	if err != nil {
		t.Fatal(err)
	}
	w.p = key.Partition(w.streams.Partitions())
	w.a, w.b = w.edge("a"), w.edge("b")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := w.streams.Keep(ctx, func(p int) {
			w.a.MadeAnew(p)
			w.b.MadeAnew(p)
		})
		if err != nil {
			t.Errorf("keep the streams: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return w
}

// remove deletes a stream behind everybody's back, and returns when it is there again.
func (w *anewWorld) remove(name string) {
	w.Helper()
	made := func() (at string) {
		s, err := w.js.Stream(w.Context(), name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return ""
		}
		if err != nil {
			w.Fatal(err)
		}
		return s.CachedInfo().Created.String()
	}
	before := made()
	w.removed(name)
	eventually(w, name+" is made anew", func() bool { return made() != "" && made() != before })
}

// removed deletes a stream, and does not wait. That it is gone is noticed at once, as by
// whoever asks for something of it: JetStream may tell nobody. A stream that is deleted while
// it answers somebody may end before it has said so.
func (w *anewWorld) removed(name string) {
	w.Helper()
	if err := w.js.DeleteStream(w.Context(), name); err != nil {
		w.Fatal(err)
	}
	w.streams.Suspect(w.p)
}

// floorOf is the whole floor of an identity in the registry.
func (w *anewWorld) floorOf(identity string) presence.Floor {
	w.registry.mu.Lock()
	defer w.registry.mu.Unlock()
	return w.registry.floors[lime.Node{Identity: lime.MustParseIdentity(identity)}.Fold()]
}

func TestALogThatIsMadeAnewDelivers(t *testing.T) {
	w := newAnewWorld(t)
	ana, rui := w.a.Login("ana@t.org/1", available), w.b.Login("rui@t.org/1", available)
	for i := range 5 {
		ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
	}
	rui.Want("all come", "x0", "x1", "x2", "x3", "x4")
	w.noneLeft(rui)
	old := w.floorOf("rui@t.org")
	rui.Silent(true)
	ana.SayID("m5", "rui@t.org", "not acknowledged")
	rui.Want("it has one more", "not acknowledged")
	eventually(t, "all are accepted", func() bool { return slices.Contains(ana.Got(), "m5 accepted") })

	w.removed(subject.LogStream(w.p))
	for i := range 5 {
		ana.SayID(fmt.Sprint("n", i), "rui@t.org", fmt.Sprint("y", i))
	}
	rui.Want("what is accepted afterwards comes once and in order", "y0", "y1", "y2", "y3", "y4")
	eventually(t, "all of it is accepted", func() bool { return slices.Contains(ana.Got(), "n4 accepted") })
	rui.Silent(false)
	w.noneLeft(rui)
	eventually(t, "what was in its hands is acknowledged, too", func() bool {
		return slices.Contains(ana.Got(), "m5 dispatched") && slices.Contains(ana.Got(), "n4 dispatched")
	})

	eventually(t, "its floor is told under the new name", func() bool {
		f := w.floorOf("rui@t.org")
		return f.Log == w.streams.LogName(w.p) && f.Log != old.Log && f.Position > old.Position
	})
	rui.Leave()
	again := w.a.Login("rui@t.org/1", available)
	again.WantNothing("what was acknowledged does not come again")
	ana.SayID("o", "rui@t.org/2", "later")
	eventually(t, "it is accepted", func() bool { return slices.Contains(ana.Got(), "o accepted") })
	w.b.Login("rui@t.org/2").Want("who comes later has what is for it", "later")
}

// A floor that was told when nobody knew of the new log yet is told again.
func TestFloorsAreToldUnderTheNameOfTheNewLog(t *testing.T) {
	w := newAnewWorld(t)
	ana, rui, lia := w.a.Login("ana@t.org/1", available), w.b.Login("rui@t.org/1", available), w.b.Login("rui@t.org/2", available)
	ana.SayID("m", "rui@t.org/2", "x")
	lia.Want("it has one", "x")
	w.noneLeft(lia)
	lia.Leave()
	ana.SayID("n", "rui@t.org", "y")
	rui.Want("it has one", "y")
	w.noneLeft(rui)
	old := w.streams.LogName(w.p)
	w.removed(subject.LogStream(w.p))
	name := func(instance string) string {
		w.registry.mu.Lock()
		defer w.registry.mu.Unlock()
		return w.registry.floors[lime.Node{Identity: lime.MustParseIdentity("rui@t.org"), Instance: instance}.Fold()].Log
	}
	eventually(t, "of a session, and of one that has left", func() bool {
		now := w.streams.LogName(w.p)
		return now != old && name("") == now && name("2") == now
	})
}

func TestAnInboxThatIsMadeAnewDelivers(t *testing.T) {
	w := newAnewWorld(t)
	ana := w.a.Login("ana@t.org/1", available)
	var want []string
	for i := range 20 {
		ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
		want = append(want, fmt.Sprint("x", i))
	}
	eventually(t, "all are accepted", func() bool { return len(ana.Got()) == 20 })
	w.sweep()
	rui := w.b.Login("rui@t.org/1", available)
	rui.Want("it has read the inbox", want...)
	w.noneLeft(rui)

	w.remove(subject.InboxStream(w.p))
	rui.SetPresence(&unavailable)
	ana.SayID("n0", "rui@t.org", "y0")
	ana.SayID("n1", "rui@t.org", "y1")
	eventually(t, "they are accepted", func() bool { return slices.Contains(ana.Got(), "n1 accepted") })
	w.sweep()
	rui.WantNothing("who is not there is not read for")
	rui.SetPresence(&available)
	rui.Want("what has moved to the new inbox meanwhile comes, once and in order", "y0", "y1")
	w.noneLeft(rui)
	ana.SayID("n2", "rui@t.org", "y2")
	rui.Want("and what is new", "y2")
	w.noneLeft(rui)
	if n, err := w.streams.CountInbox(t.Context(), w.p, "inbox."+fmt.Sprint(w.p)+".org.t.@.rui._"); err != nil || n != 0 {
		t.Errorf("%d wait still (%v)", n, err)
	}
}

// A sweep that runs on does for the new log what it did for the old one.
func TestALogThatIsMadeAnewIsSwept(t *testing.T) {
	w := newAnewWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.sweeper("router").Run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	moved := func(n int) func() bool {
		return func() bool {
			walk, err := w.streams.WalkLog(t.Context(), w.p, 0, time.Now(), 1)
			if err != nil || len(walk.Entries) > 0 {
				return false // not purged yet
			}
			page, err := w.streams.ReadInbox(t.Context(), w.p, "inbox."+fmt.Sprint(w.p)+".org.t.@.rui._", 0, 100, 1<<20)
			return err == nil && len(page.Messages) == n
		}
	}
	ana := w.a.Login("ana@t.org/1", available)
	for i := range 5 {
		ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
	}
	eventually(t, "the sweep has moved what was stored, and purged the log", moved(5))
	w.remove(subject.LogStream(w.p))
	ana.SayID("n0", "rui@t.org", "y0")
	ana.SayID("n1", "rui@t.org", "y1")
	eventually(t, "it has done so with the new log", moved(7))
	w.b.Login("rui@t.org/1", available).Want("which loses nothing of the inbox", "x0", "x1", "x2", "x3", "x4", "y0", "y1")
}
