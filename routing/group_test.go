package routing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// writers are who may send to groups, as a test says: anybody but those that are named.
type writers struct {
	mu        sync.Mutex
	listeners map[string]bool
	err       error
	asked     int
	wait      chan struct{} // when not nil, an answer waits for it
}

func (w *writers) MaySend(_ context.Context, sender, group lime.Identity) (*lime.Reason, error) {
	w.mu.Lock()
	w.asked++
	err, listens, wait := w.err, w.listeners[sender.String()], w.wait
	w.mu.Unlock()
	if wait != nil {
		<-wait
	}
	switch {
	case err != nil:
		return nil, err
	case group.Name == "nobody":
		return &lime.Reason{Code: lime.CodeRoutingDestinationNotFound}, nil
	case listens:
		return &lime.Reason{Code: lime.CodeAuthorizationPermissionRequired}, nil
	}
	return nil, nil
}

func (w *writers) set(f func(*writers)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

// groupWorld is an edge that knows groups.
func groupWorld(t *testing.T, who *writers) (*storedWorld, *testEdge) {
	t.Helper()
	w := newStoredWorld(t)
	return w, w.world.edge("a", Config{Streams: w.streams, Directory: w.known, Groups: who, StoreTimeout: patience})
}

// stored is what the streams have for groups, by the envelopes' texts.
func (w *storedWorld) stored() (all []stream.Message) {
	w.Helper()
	for p := range w.streams.Partitions() {
		page, err := w.streams.WalkGroup(w.Context(), p, 1, 1000, 1<<20)
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, page.Messages...)
	}
	return all
}

func TestMessageForAGroupIsStoredOnce(t *testing.T) {
	w, a := groupWorld(t, &writers{})
	ana := a.Login("ana@t.org/1", available)
	for i := range 20 {
		ana.SayID(fmt.Sprint("m", i), "ops@groups.t.org", fmt.Sprint(i))
		ana.Want("stored first", fmt.Sprintf("m%d accepted", i))
	}
	ana.SayID("m7", "OPS@groups.t.org", "7")
	ana.Want("again it is accepted", "m7 accepted")
	all := w.stored()
	if len(all) != 20 {
		t.Fatalf("%d are stored, want 20", len(all))
	}
	for i, m := range all {
		if got := describe(m.Data); got != fmt.Sprint(i) || m.Header.Get(stream.EchoHeader) != "" {
			t.Errorf("message %d is %s", i, got)
		}
	}
	ana.SetPresence(&lime.Presence{Status: lime.StatusAvailable, Echo: true})
	ana.SayID("echo", "ops@groups.t.org", "x")
	ana.Want("stored", "echo accepted")
	if all := w.stored(); all[len(all)-1].Header.Get(stream.EchoHeader) == "" {
		t.Error("it does not say that its sender wants it, too")
	}
}

func TestWhoMayNotSendToAGroupIsRefused(t *testing.T) {
	who := &writers{listeners: map[string]bool{"lia@t.org": true}}
	w, a := groupWorld(t, who)
	ana, lia := a.Login("ana@t.org/1", available), a.Login("lia@t.org/1", available)
	lia.SayID("m1", "ops@groups.t.org", "x")
	lia.Want("a listener", "m1 failed 35")
	ana.SayID("m1", "ops@groups.t.org", "x")
	ana.Want("and who may is not", "m1 accepted")
	ana.SayID("m2", "nobody@groups.t.org", "x")
	ana.Want("no such group", "m2 failed 42")
	who.set(func(w *writers) { w.err = errors.New("away") })
	ana.SayID("m3", "other@groups.t.org", "x")
	ana.Want("nobody can tell", "m3 failed 51")
	who.set(func(w *writers) { w.err = nil })
	ana.SayID("m3", "other@groups.t.org", "x")
	ana.Want("which holds for that once", "m3 accepted")
	if n := len(w.stored()); n != 2 {
		t.Errorf("%d are stored, want 2", n)
	}
	if ana.Route(mustView("ops@groups.t.org"), mustHeader(`{"id":"c","to":"ops@groups.t.org","method":"get","uri":"/x"}`), nil) == nil {
		t.Error("a command to a group is taken")
	}
}

// TestWhatIsAskedAboutWaitsInOrder: while it is asked whether somebody may send, others go
// on, and what the one sends stays in order.
func TestWhatIsAskedAboutWaitsInOrder(t *testing.T) {
	who := &writers{wait: make(chan struct{})}
	w, a := groupWorld(t, who)
	ana := a.Login("ana@t.org/1", available)
	for i := range 5 {
		ana.SayID(fmt.Sprint("m", i), "ops@groups.t.org", fmt.Sprint(i))
	}
	ana.SayID("direct", "rui@t.org", "x")
	ana.Want("what is for others does not wait", "direct accepted")
	close(who.wait)
	ana.WantSorted("then the rest", "m0 accepted", "m1 accepted", "m2 accepted", "m3 accepted", "m4 accepted")
	for i, m := range w.stored() {
		if describe(m.Data) != fmt.Sprint(i) {
			t.Errorf("message %d is %s", i, m.Data)
		}
	}
	if who.asked != 1 {
		t.Errorf("it was asked %d times", who.asked)
	}
}

func TestReceiptsEndAtTheGroup(t *testing.T) {
	w, a := groupWorld(t, &writers{})
	rui := a.Login("rui@t.org/1", available)
	rui.Silent(true)
	key := keyFor(t, "rui@t.org")
	p := key.Partition(w.streams.Partitions())
	copied := &nats.Msg{
		Subject: key.Log(p, "_"), Header: nats.Header{nats.MsgIdHdr: {"1"}},
		Data: []byte(`{"id":"g","from":"ops@groups.t.org/ana%40t.org","to":"rui@t.org","type":"text/plain","content":"hi"}`),
	}
	spy, err := w.connect().SubscribeSync("to.org.t.groups.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.streams.Store(t.Context(), []*nats.Msg{copied})[0]; err != nil {
		t.Fatal(err)
	}
	rui.Want("a copy", "hi")
	receipt := `{"id":"g","from":"rui@t.org/1","to":"ops@groups.t.org/ana%40t.org","event":"received"}`
	if err := rui.Route(mustView("ops@groups.t.org/ana%40t.org"), mustHeader(receipt), []byte(receipt)); err != nil {
		t.Fatal(err)
	}
	w.noneLeft(rui)
	a.WantDropped("it is counted", dropGroupReceipt, 1)
	if m, err := spy.NextMsg(100 * time.Millisecond); err == nil {
		t.Errorf("the group is told %s", m.Data)
	}
}

// TestReceiptIsOfOneSendersMessageInAGroup: two have sent with the same id.
func TestReceiptIsOfOneSendersMessageInAGroup(t *testing.T) {
	w, a := groupWorld(t, &writers{})
	rui := a.Login("rui@t.org/1", available)
	rui.Silent(true)
	key := keyFor(t, "rui@t.org")
	for _, sender := range []string{"ana", "lia"} {
		copied := &nats.Msg{
			Subject: key.Log(key.Partition(w.streams.Partitions()), "_"), Header: nats.Header{nats.MsgIdHdr: {sender}},
			Data: fmt.Appendf(nil, `{"id":"1","from":"ops@groups.t.org/%s%%40t.org","to":"rui@t.org","type":"text/plain","content":%q}`, sender, sender),
		}
		if err := w.streams.Store(t.Context(), []*nats.Msg{copied})[0]; err != nil {
			t.Fatal(err)
		}
		rui.Want("a copy", sender)
	}
	waiting := func() int {
		rui.hub.shard.mu.Lock()
		defer rui.hub.shard.mu.Unlock()
		return rui.window.Len()
	}
	for _, receipt := range []struct {
		to, event string
		left      int
	}{
		{"ops@groups.t.org/ana%40t.org", "received", 1},
		{"ops@groups.t.org/ana%40t.org", "consumed", 1},
		{"ops@groups.t.org/LIA%40t.org", "received", 0},
	} {
		rui.Receipt("1", receipt.to, receipt.event)
		if n := waiting(); n != receipt.left {
			t.Errorf("%s to %s leaves %d, want %d", receipt.event, receipt.to, n, receipt.left)
		}
	}
}

func TestAnswerToASenderIsForItAlone(t *testing.T) {
	w, a := groupWorld(t, &writers{})
	ana, rui := a.Login("ana@t.org/1", available), a.Login("rui@t.org/1", available)
	rui.SayID("m", "ops@groups.t.org/ana%40t.org", "to you")
	ana.Want("she gets it", "to you")
	rui.WantSorted("and he hears of it", "m accepted", "m dispatched")
	rui.Say("ops@groups.t.org/ana%40t.org", "again")
	ana.Want("also without an id", "again")
	if n := len(w.stored()); n != 0 {
		t.Errorf("the group has %d", n)
	}
	for _, to := range []string{"ops@groups.t.org/home", "ops@groups.t.org/ana%40elsewhere.org"} {
		err := rui.Route(mustView(to), mustHeader(`{"id":"x","type":"text/plain","content":""}`), []byte(`{"id":"x","type":"text/plain","content":""}`))
		if why := lime.AsReason(err); why == nil || why.Code != lime.CodeRoutingDestinationNotFound {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestMessageWithoutAnIDIsForTheRouter(t *testing.T) {
	who := &writers{}
	w, a := groupWorld(t, who)
	ana := a.Login("ana@t.org/1", available)
	nc := w.connect()
	got, err := nc.SubscribeSync("fan.>")
	if err != nil {
		t.Fatal(err)
	}
	w.flush(nc)
	ana.Say("ops@groups.t.org", "quick")
	m, err := got.NextMsg(patience)
	if err != nil || describe(m.Data) != "quick" {
		t.Fatalf("it gets %v, %v", m, err)
	}
	if len(w.stored()) != 0 || who.asked != 0 {
		t.Error("it is stored, or asked about")
	}
	ana.WantNothing("nobody is told anything") // L-MSG-09
}

func TestWithoutGroupsThereAreNone(t *testing.T) {
	w := newStoredWorld(t)
	ana := w.edge("a").Login("ana@t.org/1", available)
	err := ana.Route(mustView("ops@groups.t.org"), mustHeader(`{"id":"m","type":"text/plain","content":""}`), nil)
	if why := lime.AsReason(err); why == nil || why.Code != lime.CodeRoutingDestinationNotFound {
		t.Error(err)
	}
}

func mustView(node string) lime.NodeView {
	v, err := lime.ParseNodeView([]byte(node))
	if err != nil {
		panic(err)
	}
	return v
}

func mustHeader(envelope string) *lime.Header {
	var h lime.Header
	if _, err := h.Scan([]byte(envelope)); err != nil {
		panic(err)
	}
	return &h
}

func keyFor(t testing.TB, identity string) subject.Key {
	t.Helper()
	key, err := subject.MakeKey(lime.MustParseIdentity(identity))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
