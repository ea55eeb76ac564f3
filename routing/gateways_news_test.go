package routing

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/routing/sweep"
)

// What becomes of a message that somebody abroad has sent is told to the gateway, whoever
// tells it, in the name of a server that there is.
func TestWhatBecomesOfMessagesFromAbroadIsToldToTheGateway(t *testing.T) { // L-NOT-02
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	picky := a.Login("ana@t.org/1", available)
	picky.takes(photosOnly)
	gw := b.Authority("gw@partner.example/1", lime.RoleAuthority, overDomain())
	w.wantGateway("partner.example", "gw@partner.example")
	say := func(id, to string) {
		gw.mustRoute(to, fmt.Sprintf(`{"id":%q,"from":"zoe@partner.example/x","to":%q,"type":"text/plain","content":"x"}`, id, to))
	}
	say("m1", "ana@t.org/1")
	gw.Want("a session does not take it", "m1 accepted", "m1 failed 71")
	w.noneLeft(picky)

	say("m2", "lia@t.org")
	gw.Want("nobody is there", "m2 accepted")
	gw.mustRoute("lia@t.org", `{"id":"m3","from":"gw@partner.example/1","to":"lia@t.org","type":"text/plain","content":"x"}`)
	gw.Want("its own", "m3 accepted")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		sweep.New(sweep.Config{
			Streams: w.streams, Registry: holder{w.registry}, Router: "inc-router", ID: "router", Domains: []string{"t.org"},
			Delay: time.Nanosecond, Keep: time.Nanosecond, Lifetime: time.Nanosecond, Every: 10 * time.Millisecond, Wary: time.Nanosecond,
			Logger: testLogger(w),
		}).Run(ctx)
	}()
	gw.WantSorted("nobody came for them", "m2 failed 41", "m3 failed 41")
	cancel()
	<-ended
	gw.mu.Lock()
	defer gw.mu.Unlock()
	for _, raw := range gw.raw {
		to := "gw@partner.example/1"
		if bytes.Contains(raw, []byte(`"failed"`)) && !bytes.Contains(raw, []byte(`"m3"`)) {
			to = "zoe@partner.example/x"
		}
		if s := string(raw); !strings.Contains(s, `"from":"postmaster@t.org/#`) || !strings.Contains(s, fmt.Sprintf(`"to":%q`, to)) {
			t.Errorf("it is told %s", s)
		}
	}
}

// A gateway that has left is known by the directory for its time, and not for as long
// again by the edges that have asked it.
func TestAGatewayThatHasLeftIsNotFoundAnew(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana := a.Login("ana@t.org/1", available)
	gw := b.Authority("gw@partner.example/1", lime.RoleAuthority, overDomain())
	w.wantGateway("partner.example", "gw@partner.example")
	found := a.gateways.find(t.Context(), "partner.example")
	if found.identity != gw.Node().Identity || found.lost.IsZero() {
		t.Fatalf("it is there: %+v", found)
	}
	gw.Leave()
	w.quiet()
	w.known.left = []string{"gw@partner.example/1"}
	a.gateways.mu.Lock()
	a.gateways.known.put("partner.example", found)
	a.gateways.mu.Unlock()
	eventually(t, "it has left, and may come back", func() bool {
		k := a.gateways.find(t.Context(), "partner.example")
		return k.identity == found.identity && k.lost.Equal(found.lost) && time.Until(k.until) <= noGatewayKept
	})
	w.known.left = nil
	found.lost = time.Now().Add(-gatewayGrace)
	a.gateways.mu.Lock()
	a.gateways.known.put("partner.example", found)
	a.gateways.mu.Unlock()
	if k := a.gateways.find(t.Context(), "partner.example"); !k.identity.IsZero() {
		t.Errorf("it has not come back, and is %+v", k)
	}
	w.forget()
	ana.SayID("m", "rui@partner.example", "hello?")
	ana.Want("nobody waits for it any more", "m failed 43")
}
