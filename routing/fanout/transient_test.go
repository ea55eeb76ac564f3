package fanout

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
)

// slow are groups of which one is not told who is in it until it is let.
type slow struct {
	*people
	group string
	asked chan struct{} // has room for one
	let   chan struct{}
}

func (s *slow) Revision(ctx context.Context, group lime.Identity) (uint64, error) {
	if group.String() == s.group {
		select {
		case s.asked <- struct{}{}:
		default:
		}
		select {
		case <-s.let:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return s.people.Revision(ctx, group)
}

// TestFloodWithoutIDsHoldsUpNoOtherGroup: who floods a group loses what is too much of it,
// and another group loses nothing.
func TestFloodWithoutIDsHoldsUpNoOtherGroup(t *testing.T) {
	const other, flood, many = "other@groups.x", 3000, 40
	w := newWorld(t)
	w.people.set(ops, "ana@x", "rui@x")
	w.people.set(other, "ana@x", "eva@x")
	groups := &slow{w.people, ops, make(chan struct{}, 1), make(chan struct{})}
	client := w.server.Connect()
	subscribe := func(at string) *nats.Subscription {
		t.Helper()
		sub, err := client.SubscribeSync(at)
		if err != nil {
			t.Fatal(err)
		}
		return sub
	}
	flooded, quiet := subscribe("to.x.@.rui.*"), subscribe("to.x.@.eva.*")
	send := func(group string, content int) {
		t.Helper()
		text := fmt.Appendf(nil, `{"from":%q,"to":%q,"type":"text/plain","content":"%d"}`, ana, group, content)
		if err := client.Publish(keyOf(group).Fan(0), text); err != nil {
			t.Fatal(err)
		}
	}
	want := func(sub *nats.Subscription, content int) {
		t.Helper()
		msg, err := sub.NextMsg(patience)
		if err != nil {
			t.Fatalf("message %d: %v", content, err)
		}
		if got := contentOf(t, msg.Data); got != fmt.Sprint(content) {
			t.Fatalf("message %s, want %d", got, content)
		}
	}
	r := w.start("r", func(c *Config) { c.Groups, c.Timeout = groups, patience })
	w.eventually("there is a router", func() bool {
		send(ops, 0)
		select {
		case <-groups.asked:
			return true
		case <-time.After(time.Millisecond):
			return false
		}
	})
	for i := range flood {
		send(ops, 1+i)
	}
	for i := range many {
		send(other, i)
	}
	for i := range many {
		want(quiet, i)
	}
	lost := int(r.dropped(t, dropBusy))
	if lost < flood-laneMessages || lost >= flood {
		t.Errorf("%d of a flood of %d were dropped, want all but a part of %d", lost, flood, laneMessages)
	}
	close(groups.let)
	for seen, before := 0, 0; seen < flood-lost; {
		msg, err := flooded.NextMsg(patience)
		if err != nil {
			t.Fatalf("%d of %d: %v", seen, flood-lost, err)
		}
		var n int
		if _, err := fmt.Sscan(contentOf(t, msg.Data), &n); err != nil || n < before {
			t.Fatalf("%d comes behind %d, %v", n, before, err)
		}
		if before = n; n > 0 {
			seen++
		}
	}
}

// TestWhatWaitsAtTheEndIsCounted, when a router ends before its turn.
func TestWhatWaitsAtTheEndIsCounted(t *testing.T) {
	const other, many = "other@groups.x", 10
	w := newWorld(t)
	w.people.set(ops, "ana@x", "rui@x")
	w.people.set(other, "ana@x", "eva@x")
	groups := &slow{w.people, ops, make(chan struct{}, 1), make(chan struct{})}
	client := w.server.Connect()
	quiet, err := client.SubscribeSync("to.x.@.eva.*")
	if err != nil {
		t.Fatal(err)
	}
	send := func(group string) {
		t.Helper()
		text := fmt.Appendf(nil, `{"from":%q,"to":%q,"type":"text/plain","content":"x"}`, ana, group)
		if err := client.Publish(keyOf(group).Fan(0), text); err != nil {
			t.Fatal(err)
		}
	}
	r := w.start("r", func(c *Config) { c.Groups, c.Timeout = groups, patience })
	tries := 0
	w.eventually("there is a router", func() bool {
		send(ops)
		tries++
		select {
		case <-groups.asked:
			return true
		case <-time.After(time.Millisecond):
			return false
		}
	})
	for range many {
		send(ops)
	}
	send(other)
	if _, err := quiet.NextMsg(patience); err != nil { // then the router has all of them
		t.Fatal(err)
	}
	r.stop()
	unknown, ended := r.dropped(t, dropUnknown), r.dropped(t, dropEnded)
	if unknown != 1 || ended < many || ended >= many+float64(tries) {
		t.Errorf("%v had no members and %v were not begun with, want 1 and %d, and some of %d", unknown, ended, many, tries)
	}
}

// contentOf is the text of a message.
func contentOf(t *testing.T, envelope []byte) string {
	t.Helper()
	var m struct{ Content string }
	if err := json.Unmarshal(envelope, &m); err != nil {
		t.Fatal(err)
	}
	return m.Content
}
