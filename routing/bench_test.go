package routing

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/room"
	"limegrove/routing/subject"
)

// sink takes everything.
type sink struct{}

func (sink) Deliver([]byte) error { return nil }
func (sink) Flush()               {}

func (sink) Pass(any, []byte) (bool, error) { return true, nil }

func (sink) End(*lime.Reason)    {}
func (sink) Probe(uint32) error  { return nil }
func (sink) Hold(bool)           {}
func (sink) Granted(room.Grants) {}

// benchEnvelope is a message of about 200 bytes.
func benchEnvelope(to string) []byte {
	return fmt.Appendf(nil, `{"id":"7f3d9c0a-12","from":"ana@example.org/phone","to":%q,"type":"text/plain","content":"%0100d"}`, to, 0)
}

func BenchmarkRoute(b *testing.B) {
	w := newWorld(b)
	e := w.edge("a", Config{})
	m, err := e.Attach(b.Context(), Arrival{Node: lime.MustParseNode("ana@example.org/phone"), Session: "s", Guest: true}, sink{})
	if err != nil {
		b.Fatal(err)
	}
	m.Activate()
	// Somebody hears it, so that the broker does not answer.
	sub, err := w.connect().SubscribeSync("to.>")
	if err != nil {
		b.Fatal(err)
	}
	if err := sub.SetPendingLimits(1, -1); err != nil {
		b.Fatal(err)
	}
	envelope := benchEnvelope("rui@example.org/home")
	var h lime.Header
	b.ReportAllocs()
	b.SetBytes(int64(len(envelope)))
	for b.Loop() {
		if _, err := h.Scan(envelope); err != nil {
			b.Fatal(err)
		}
		to, err := lime.ParseNodeView(h.To)
		if err != nil {
			b.Fatal(err)
		}
		if err := m.Route(to, &h, envelope); err != nil {
			b.Fatal(err)
		}
	}
}

// publisher returns what routes an envelope of a session, over a broker that is deaf.
func publisher(tb testing.TB, envelope []byte) func() {
	w := newWorld(tb)
	e := w.idleEdge("a", Config{Shards: 1, NATS: deaf(tb)})
	m := benchMember(e, "ana@example.org/phone")
	own := new(scratch)
	e.scratch.New = func() any { return own } // the race detector has pools forget some of what they have
	return routed(tb, m, envelope)
}

// routed returns what has a session send an envelope.
func routed(tb testing.TB, m *Member, envelope []byte) func() {
	var h lime.Header
	return func() {
		if _, err := h.Scan(envelope); err != nil {
			tb.Fatal(err)
		}
		to, err := lime.ParseNodeView(h.To)
		if err != nil {
			tb.Fatal(err)
		}
		if err := m.Route(to, &h, envelope); err != nil {
			tb.Fatal(err)
		}
	}
}

// withoutID is a message that asks for nothing, of the length of benchEnvelope's.
func withoutID(to string) []byte {
	return fmt.Appendf(nil, `{"from":"ana@example.org/phone","to":%q,"type":"text/plain","content":"%0118d"}`, to, 0)
}

// BenchmarkPublish is the edge's side of BenchmarkRoute alone.
func BenchmarkPublish(b *testing.B) {
	for name, envelope := range map[string][]byte{"ID": benchEnvelope("rui@example.org/home"), "NoID": withoutID("rui@example.org/home")} {
		b.Run(name, func(b *testing.B) {
			publish := publisher(b, envelope)
			b.ReportAllocs()
			for b.Loop() {
				publish()
			}
		})
	}
}

func TestRoutingAllocatesNothing(t *testing.T) {
	for _, to := range []string{"rui@example.org/home", "rui@example.org", "Rui@Example.org/home"} {
		publish := publisher(t, withoutID(to))
		for range 1000 { // the client library's buffers have grown
			publish()
		}
		if n := testing.AllocsPerRun(1000, publish); n != 0 {
			t.Errorf("an envelope to %s costs %v allocations", to, n)
		}
	}
}

// BenchmarkShortCut is an envelope to a session of the same edge.
func BenchmarkShortCut(b *testing.B) {
	pass := passer(b, withoutID("rui@example.org/home"))
	b.ReportAllocs()
	for b.Loop() {
		pass()
	}
}

// passer is publisher for a recipient that is known to be on the edge alone.
func passer(tb testing.TB, envelope []byte) func() {
	w := newWorld(tb)
	e := w.idleEdge("a", Config{Shards: 1, NATS: deaf(tb)})
	own := new(scratch)
	e.scratch.New = func() any { return own }
	m, rui := benchMember(e, "ana@example.org/phone"), benchMember(e, "rui@example.org/home")
	e.here.of(e.hash(rui.hub.key)).Add(oneHub)
	rui.registered = 1
	rui.hub.learns().alone = &alone{back: true, settled: true}
	route := routed(tb, m, envelope)
	return func() {
		before := rui.hub.known().alone.out
		if route(); rui.hub.known().alone.out != before {
			tb.Fatal("it was published")
		}
	}
}

func TestShortCutAllocatesNothing(t *testing.T) {
	for _, to := range []string{"rui@example.org/home", "rui@example.org", "Rui@Example.org/home"} {
		pass := passer(t, withoutID(to))
		pass()
		if n := testing.AllocsPerRun(1000, pass); n != 0 {
			t.Errorf("an envelope to %s costs %v allocations", to, n)
		}
	}
}

func BenchmarkDispatch(b *testing.B) {
	for name, to := range map[string]string{
		"Node": "rui@example.org/home", "Identity": "rui@example.org", "OtherSpelling": "Rui@example.org/home",
	} {
		b.Run(name, func(b *testing.B) {
			handle := dispatcher(b, to)
			b.ReportAllocs()
			for b.Loop() {
				handle()
			}
		})
	}
}

// dispatcher returns what handles one message for one member.
func dispatcher(tb testing.TB, to string) func() {
	w := newWorld(tb)
	e := w.idleEdge("a", Config{Shards: 1})
	s := e.shards[0]
	key, err := subject.MakeKey(lime.Identity{Name: "rui", Domain: "example.org"})
	if err != nil {
		tb.Fatal(err)
	}
	hub := &hub{key: key, shard: s}
	node := lime.MustParseNode("rui@example.org/home")
	hub.members = rollOf(&Member{hub: hub, who: mustName(tb, node, ""), state: active, guest: true, to: sink{}})
	s.hubs.add(hub)
	msg := &nats.Msg{
		Subject: subjectOf(lime.MustParseNode(to)), Reply: string(subject.AppendReply(nil, subject.ReplyPrefix("inc-b"), 0, 77)), Data: benchEnvelope(to),
	}
	return func() {
		s.turn.handle(s, msg)
		s.turn.end()
	}
}

func TestHandingOutAllocatesNothing(t *testing.T) {
	for _, to := range []string{"rui@example.org/home", "rui@example.org", "Rui@Example.org/home"} {
		handle := dispatcher(t, to)
		handle()
		if n := testing.AllocsPerRun(100, handle); n != 0 {
			t.Errorf("an envelope to %s costs %v allocations", to, n)
		}
	}
}

// BenchmarkAttach is a session's coming and going, with everything but Redis.
func BenchmarkAttach(b *testing.B) {
	w := newWorld(b)
	e := w.edge("a", Config{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		name := 0
		for pb.Next() {
			name++
			m, err := e.Attach(b.Context(), Arrival{
				Node:    lime.Node{Identity: lime.Identity{Name: fmt.Sprintf("n%p-%d", pb, name), Domain: "example.org"}, Instance: "home"},
				Session: "s", Guest: true,
			}, sink{})
			if err != nil {
				b.Error(err)
				return
			}
			m.Activate()
			m.Leave()
		}
	})
}

// BenchmarkView is a change of another edge's session, applied.
func BenchmarkView(b *testing.B) {
	w := newWorld(b)
	e := w.idleEdge("a", Config{Shards: 1})
	hub := &hub{shard: e.shards[0]}
	event := []byte(`{"version":0,"Node":"rui@example.org/home","Edge":"inc-b","Session":"s","Guest":true,"Presence":{"status":"available"}}`)
	var reg presence.Registration
	reg.Node = lime.MustParseNode("rui@example.org/other")
	hub.widened().remote = []presence.Registration{reg}
	b.ReportAllocs()
	for b.Loop() {
		hub.version = -1
		e.viewChanged(hub, event)
	}
}
