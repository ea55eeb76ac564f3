package routing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/tracing"
)

// watched is a tracer of several edges.
type watched struct {
	*tracing.Tracer
	t   testing.TB
	all []tracing.Span
}

func newWatched(t testing.TB) *watched {
	w := &watched{t: t}
	w.Tracer = tracing.New(tracing.Config{Bounds: tracing.Bounds{Rate: 1000}, Export: func(_ context.Context, all []tracing.Span) (int, error) {
		w.all = append(w.all, all...)
		return 0, nil
	}})
	return w
}

const theTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// says has c send a message, that is traced, as an edge's session does.
func (w *watched) says(c *client, id, to, text string) {
	w.t.Helper()
	if id != "" {
		id = fmt.Sprintf(`"id":%q,`, id)
	}
	envelope := []byte(fmt.Sprintf(`{%s"from":%q,"to":%q,"metadata":{"traceparent":%q},"type":"text/plain","content":%q}`, id, c.node, to, theTrace, text))
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		w.t.Fatal(err)
	}
	marked, span := w.Arrived(&h, nil, envelope)
	if span == nil {
		w.t.Fatal("it is not traced")
	}
	v, err := lime.ParseNodeView([]byte(to))
	if err != nil {
		w.t.Fatal(err)
	}
	before := string(marked)
	err = c.Route(v, &h, marked)
	if string(marked) != before {
		w.t.Errorf("what was borrowed became %s", marked)
	}
	w.End(span, lime.AsReason(err))
	if err != nil {
		w.t.Fatal(err)
	}
}

// wantWays wants that since the last time the spans were these, each with those before it; what went no further has a code.
func (w *watched) wantWays(why string, ways ...string) {
	w.t.Helper()
	done, cancel := context.WithCancel(context.Background())
	cancel()
	slices.Sort(ways)
	var got []string
	defer func() {
		if w.t.Failed() {
			w.t.Logf("%s: %q, want %q", why, got, ways)
		}
	}()
	eventually(w.t, why, func() bool {
		w.Run(done) // exports all that there are
		got = w.ways()
		return slices.Equal(got, ways)
	})
	w.all = nil
}

func (w *watched) ways() (all []string) {
	steps, isParent := map[tracing.SpanID]tracing.Span{}, map[tracing.SpanID]bool{}
	for _, s := range w.all {
		steps[s.Span], isParent[s.Parent] = s, true
		if s.End.Before(s.Start) {
			w.t.Errorf("%s ends before it begins", s.Step)
		}
	}
	for _, s := range w.all {
		if isParent[s.Span] {
			continue
		}
		var way []string
		for one, is := s, true; is; one, is = steps[one.Parent] {
			text := one.Step.String()
			if one.Failed() {
				text = strings.TrimSpace(fmt.Sprint(text, " ", int(one.Code), " ", one.Dropped))
			}
			way = append(way, text)
		}
		slices.Reverse(way)
		all = append(all, strings.Join(way, ">"))
	}
	slices.Sort(all)
	return all
}

// wantMarked wants that what c was given last is marked by a span that is of the trace, and returns that.
func (c *client) wantMarked(text string) (span string) {
	c.e.w.Helper()
	eventually(c.e.w, "it comes", func() bool { return slices.Contains(c.Got(), text) })
	c.mu.Lock()
	defer c.mu.Unlock()
	var h lime.Header
	b := c.raw[len(c.raw)-1]
	if _, err := h.Scan(b); err != nil {
		c.e.w.Fatal(err)
	}
	got := string(h.MetadataText(b, tracing.Key))
	if len(got) != len(theTrace) || got[:36] != theTrace[:36] || got[52:] != theTrace[52:] || got == theTrace {
		c.e.w.Errorf("%s was given %s", c.node, b)
	}
	return got
}

func TestTheWayOfWhatIsTracedAndNotStored(t *testing.T) {
	w, all := newWorld(t), newWatched(t)
	a, b := w.edge("a", Config{Tracer: all.Tracer}), w.edge("b", Config{Tracer: all.Tracer})
	ana, rui, phone := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available), b.Login("rui@t.org/2", available)
	all.says(ana, "", "rui@t.org/1", "to the node")
	rui.wantMarked("to the node")
	all.wantWays("it is forwarded and delivered", "receive>forward>deliver")

	all.says(ana, "", "rui@t.org", "to all")
	if first, second := rui.wantMarked("to all"), phone.wantMarked("to all"); first == second {
		t.Errorf("both sessions were given %s", first)
	}
	all.wantWays("each session has a span", "receive>forward>deliver", "receive>forward>deliver")

	phone.Refuse(ErrQueueFull)
	all.says(ana, "", "rui@t.org/2", "too much")
	all.wantWays("who reads too slowly", "receive>forward>deliver 51 queue_full")

	all.says(ana, "m1", "nobody@t.org/1", "hello?")
	all.wantWays("nobody is there", "receive>forward>fail 42")
	all.says(ana, "m2", "rui@t.org/3", "hello?")
	all.wantWays("nor at this instance", "receive>forward>deliver 42 no_recipient", "receive>forward>fail 42")

	ana.Say("rui@t.org/1", "not traced")
	rui.Want("it all came", "to the node", "to all", "not traced")
	all.wantWays("what has no traceparent has no spans")
}

func TestTheWayOfWhatIsTracedAndStored(t *testing.T) {
	w, all := newStoredWorld(t), newWatched(t)
	w.known.set(func(d *directory) { d.strangers = []string{"stranger@t.org"} })
	cfg := Config{Streams: w.streams, Directory: w.known, StoreTimeout: patience, Tracer: all.Tracer}
	a, b := w.world.edge("a", cfg), w.world.edge("b", cfg)
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	all.says(ana, "m1", "rui@t.org", "hello")
	rui.wantMarked("hello")
	all.wantWays("it is stored and delivered", "receive>store>deliver")

	all.says(ana, "m2", "lia@t.org", "for later")
	all.wantWays("who is away has it stored", "receive>store")
	w.sweep()
	lia := b.Login("lia@t.org/1", available)
	lia.wantMarked("for later")
	all.wantWays("and gets it from the inbox", "deliver")

	all.says(ana, "m3", "stranger@t.org", "hello?")
	all.wantWays("nothing is stored for strangers", "receive>store 33")
}
