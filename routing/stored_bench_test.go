package routing

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/delivery"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// emptyStreams have nothing, and are asked for nothing.
type emptyStreams struct{}

func (emptyStreams) Partitions() int                                          { return 1 }
func (emptyStreams) InboxLimit() int                                          { return 1 << 30 }
func (emptyStreams) Waiting(context.Context, int, string) (int, error)        { return 0, nil }
func (emptyStreams) Logged(context.Context, int, string, uint64) (int, error) { return 0, nil }
func (emptyStreams) LogName(int) string                                       { return "1" }
func (emptyStreams) Suspect(int)                                              {}
func (emptyStreams) Delete(context.Context, int, uint64) error                { return nil }

func (emptyStreams) ReadLog(context.Context, int, string, uint64, int, int) (stream.Page, error) {
	return stream.Page{}, nil
}

func (emptyStreams) ReadInbox(context.Context, int, string, uint64, int, int) (stream.Page, error) {
	return stream.Page{}, nil
}

func (emptyStreams) LastLog(context.Context, int, []string) (map[string]uint64, uint64, error) {
	return nil, 0, nil
}

func (emptyStreams) LastInbox(context.Context, int, []string) (map[string]uint64, uint64, error) {
	return nil, 0, nil
}

// benchMember is a live session of an edge whose Run was not called.
func benchMember(e *testEdge, node string) *Member {
	n := lime.MustParseNode(node)
	key, err := subject.MakeKey(n.Identity)
	if err != nil {
		e.w.Fatal(err)
	}
	s := e.shards[0]
	b := &hub{key: key, shard: s}
	m := &Member{
		hub: b, who: mustName(e.w, n, ""), state: active, guest: true, to: sink{},
	}
	for which := range m.follows {
		m.follows[which].Start(0)
		m.follows[which].Tails(delivery.Tail{}, delivery.Tail{})
	}
	b.members = rollOf(m)
	s.hubs.add(b)
	return m
}

// BenchmarkStore is the way of a message into the log and its accepted back to the
// sender, without the broker.
func BenchmarkStore(b *testing.B) {
	w := newWorld(b)
	e := w.idleEdge("a", Config{Shards: 1, Streams: emptyStreams{}, NATS: deaf(b)})
	m := benchMember(e, "ana@example.org/phone")
	envelope := benchEnvelope("rui@example.org/home")
	e.recipients.keepLocked(subjectOf(lime.MustParseNode("rui@example.org/home")), knownFor(time.Hour))
	box := e.outbox
	ack := &nats.Msg{Data: []byte(`{"stream":"LOG_0","seq":123456}`)}
	var h lime.Header
	b.ReportAllocs()
	for sequence := uint64(0); b.Loop(); sequence++ {
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
		box.take()
		box.publish(time.Now())
		ack.Subject = box.prefix + "0." + strconv.FormatUint(sequence, 36)
		box.answered(ack)
		box.flush()
	}
}

// BenchmarkHandOut is a stored message's way from the log's copy to the session, its
// proof, and dispatched to its sender, without the broker.
func BenchmarkHandOut(b *testing.B) {
	w := newWorld(b)
	e := w.idleEdge("a", Config{Shards: 1, Streams: emptyStreams{}, NATS: deaf(b)})
	m := benchMember(e, "rui@example.org/home")
	s := e.shards[0]
	msg := &nats.Msg{
		Subject: subjectOf(m.who.Node()), Data: benchEnvelope("rui@example.org/home"),
		Header: nats.Header{nats.JSStream: {"LOG_0"}, nats.JSSequence: {""}, nats.JSLastSequence: {""}},
	}
	b.ReportAllocs()
	for position := uint64(1); b.Loop(); position++ {
		msg.Header[nats.JSLastSequence][0] = msg.Header[nats.JSSequence][0]
		if position == 1 {
			msg.Header[nats.JSLastSequence][0] = "0"
		}
		msg.Header[nats.JSSequence][0] = strconv.FormatUint(position, 10)
		s.turn.handle(s, msg)
		s.turn.end()
		m.Proved(m.window.Last())
		if position%1000 == 0 { // as often as Redis is told
			clear(e.floors.dirty)
		}
	}
	if e.count("limegrove_routing_acknowledged_total") == 0 {
		b.Fatal("nothing was acknowledged")
	}
}
