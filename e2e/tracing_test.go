package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// traceparent is one of W3C Trace Context.
type traceparent struct{ trace, parent, flags string }

// newTraceparent is that of another trace.
func newTraceparent(flags string) traceparent {
	b := make([]byte, 24)
	_, _ = rand.Read(b)
	return traceparent{hex.EncodeToString(b[:16]), hex.EncodeToString(b[16:]), flags}
}

func (p traceparent) String() string { return "00-" + p.trace + "-" + p.parent + "-" + p.flags }

// traced is a message with that.
func (p traceparent) traced(e Envelope) Envelope {
	e.Metadata = map[string]any{"traceparent": p.String(), "tracestate": "vendor=1", "other": "text"}
	return e
}

// wantCarried wants that a message has come as it was sent, but for whom it is from and the parent.
func wantCarried(t *testing.T, sent, got Envelope, parent string) {
	t.Helper()
	want := sent
	p, _ := sent.Metadata["traceparent"].(string)
	want.From, want.To = got.From, got.To
	want.Metadata = map[string]any{"traceparent": p[:36] + parent + p[52:], "tracestate": "vendor=1", "other": "text"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s was sent, and has come as\n%s, not\n%s", sent, got, want)
	}
}

func TestTracing(t *testing.T) {
	t.Parallel()
	spans := startCollector(t)
	c := startCluster(t, 2, "-trace-endpoint", spans.url, "-trace-rate", "20")
	here, there := c.edges[0], c.edges[1]
	ana, rui := guest(t, goLibrary, here, "ana/home"), guest(t, goLibrary, there, "rui/desk")
	send := func(id, to, flags string) (traceparent, Envelope) {
		p := newTraceparent(flags)
		e := p.traced(text(id, to, "of "+p.trace))
		ana.send(e)
		return p, e
	}
	came := func(s *session, p traceparent) Envelope { return s.wantText("it comes", "of "+p.trace) }

	t.Run("what is not stored", func(t *testing.T) {
		p, sent := send("", rui.node, "01")
		got := came(rui, p)
		way := spans.wantWay(t, p, "receive edge-1", "forward edge-1", "deliver edge-2")
		wantCarried(t, sent, got, way[2].id)
		for _, s := range way {
			if s.failed || s.took < 0 || s.attributes["messaging.system"] != "limegrove" || s.attributes["lime.kind"] != "message" {
				t.Errorf("a span is %+v", s)
			}
			for key, value := range s.attributes {
				if strings.Contains(value, nameOf(ana)) || strings.Contains(value, nameOf(rui)) || strings.Contains(value, p.trace) {
					t.Errorf("the attribute %s is %q", key, value)
				}
			}
		}
	})
	t.Run("what is stored for somebody who is away", func(t *testing.T) {
		at := place{goLibrary, here}
		name := stage{c, at, at}.newAccount(t, "lia")
		ana.setReceipts("accepted", "failed")
		p, sent := send("m-1", name+"@"+domain, "01")
		ana.wantEvent("it is stored", "m-1", "accepted")
		spans.wantWay(t, p, "receive edge-1", "store edge-1")
		lia := login(t, goLibrary, there, name+"/desk", secret(password))
		lia.setPresence(map[string]any{"status": "available"})
		got := came(lia, p)
		way := spans.wantWay(t, p, "receive edge-1", "store edge-1", "deliver edge-2")
		wantCarried(t, sent, got, way[2].id)
		if way[1].attributes["messaging.message.id"] != "m-1" {
			t.Errorf("a span is %+v", way[1])
		}
	})
	t.Run("what reaches nobody", func(t *testing.T) {
		p := newTraceparent("01")
		ana.send(p.traced(Envelope{ID: "c-1", Method: methodGet, URI: "/x", To: c.name("nobody") + "@" + domain + "/x"}))
		ana.want("it is told so", func(e Envelope) bool { return e.ID == "c-1" && e.Status == "failure" })
		way := spans.wantWay(t, p, "receive edge-1", "forward edge-1", "fail edge-1")
		if !way[2].failed || way[2].attributes["error.type"] != "reason 42" {
			t.Errorf("it ends with %+v", way[2])
		}
	})
	t.Run("what is not recorded", func(t *testing.T) {
		p, sent := send("", rui.node, "00")
		wantCarried(t, sent, came(rui, p), p.parent)
		last, _ := send("", rui.node, "01") // behind it
		came(rui, last)
		spans.wantWay(t, last, "receive edge-1", "forward edge-1", "deliver edge-2")
		if all := spans.of(p.trace); len(all) > 0 {
			t.Errorf("there are %+v", all)
		}
	})
	t.Run("more than may be", func(t *testing.T) {
		const many = 400
		var sent [many]Envelope
		var all [many]traceparent
		for i := range many {
			all[i], sent[i] = send("", rui.node, "01")
		}
		for i := range many {
			got := came(rui, all[i])
			if p, _ := got.Metadata["traceparent"].(string); len(p) != 55 || p[:36] != all[i].String()[:36] {
				t.Fatalf("%s was sent, and has come as %s", sent[i], got)
			}
		}
		over := 0.0
		eventually(t, "what is beyond the rate is counted", patience, func() (err error) {
			over, err = metric(t.Context(), here.admin, `limegrove_tracing_over_rate_total{step="receive"}`)
			if err == nil && over == 0 {
				err = fmt.Errorf("nothing is")
			}
			return err
		})
		eventually(t, "and the others are collected", patience, func() error {
			received := 0
			for i := range many {
				for _, s := range spans.of(all[i].trace) {
					if s.name == "receive" {
						received++
					}
				}
			}
			if received != many-int(over) {
				return fmt.Errorf("%d were received with a span, and %v without", received, over)
			}
			return nil
		})
		if over < many/2 {
			t.Errorf("%v of %d were beyond 20 a second", over, many)
		}
	})
}

func TestACollectorThatIsAwayCostsNoMessage(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "-trace-endpoint", "http://"+address(freePorts(t, 1)), "-trace-share", "1", "-trace-rate", "100000")
	ana, rui := guest(t, goLibrary, c.edges[0], "ana/home"), guest(t, goLibrary, c.edges[1], "rui/desk")
	for i := range 200 {
		ana.send(text(fmt.Sprint("m-", i), rui.node, fmt.Sprint("number ", i)))
	}
	for i := range 200 {
		got := rui.wantText("it comes", fmt.Sprint("number ", i))
		if p, _ := got.Metadata["traceparent"].(string); len(p) != 55 || !strings.HasSuffix(p, "-01") {
			t.Fatalf("it has come as %s, without a trace", got)
		}
	}
	eventually(t, "spans are dropped and counted", patience, func() error {
		n, err := metric(t.Context(), c.edges[0].admin, `limegrove_tracing_dropped_total{reason="export"}`)
		if err == nil && n == 0 {
			err = fmt.Errorf("none is")
		}
		return err
	})
	log, _ := c.edges[0].output.read()
	if n := strings.Count(string(log), "spans cannot be exported"); n < 1 || n > 2 {
		t.Errorf("%d lines about it:\n%s", n, log)
	}
}
