package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/room"
)

// keptRooms have rooms below /kept keep what is published, and those below /few only little.
const keptRooms = `[
	{"room": "/kept/*", "may": ["enter", "publish"], "history": {}},
	{"room": "/few/*", "may": ["enter", "publish"], "history": {"count": 100}}
]`

// listener is in a room that keeps its messages, and knows up to where it has them.
type listener struct {
	*client.Client
	t    *testing.T
	got  chan *lime.Message
	last uint64
}

// listens enters a room, behind what the listener has had of it before. It tells whether
// nothing is missing in between.
func (l *listener) listens(at *edge, node, path string) (continuous bool) {
	l.t.Helper()
	l.got = make(chan *lime.Message, 10_000)
	got := l.got
	m := new(client.Mux)
	m.HandleMessage("", func(_ context.Context, _ *client.Client, e *lime.Message) error {
		got <- e
		return nil
	})
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	c, err := client.Dial(ctx, at.url, client.Config{Node: lime.MustParseNode(node), Handler: m})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(c.Close)
	l.Client = c
	resource := "{}"
	if l.last > 0 {
		resource = fmt.Sprintf(`{"since":"%d"}`, l.last)
	}
	answer, err := c.Command(ctx, &lime.Command{
		Method: lime.MethodSubscribe, URI: "/rooms" + path, Type: lime.MediaRoom, Resource: []byte(resource),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	var d room.Document
	if err := json.Unmarshal(answer.Resource, &d); err != nil || d.Position == 0 {
		l.t.Fatalf("%s is answered by %s (%v)", path, answer.Resource, err)
	}
	l.last = d.Position
	return d.Continuous != nil && *d.Continuous
}

// wantHeard waits for messages with these texts, in this order.
func (l *listener) wantHeard(why string, all ...string) {
	l.t.Helper()
	var got []string
	for timeout := time.After(patience); len(got) < len(all); {
		select {
		case m := <-l.got:
			at, err := strconv.ParseUint(m.Metadata[room.PositionKey], 10, 64)
			if err != nil || at <= l.last {
				l.t.Errorf("%s: a message has the position %q behind %d", why, m.Metadata[room.PositionKey], l.last)
			}
			l.last = at
			var text string
			if err := json.Unmarshal(m.Content, &text); err != nil {
				l.t.Fatal(err)
			}
			got = append(got, text)
		case <-timeout:
			l.t.Fatalf("%s: %d of %d messages have come", why, len(got), len(all))
		}
	}
	if !slices.Equal(got, all) {
		l.t.Errorf("%s: %q are heard, want %q", why, got, all)
	}
	select {
	case m := <-l.got:
		l.t.Errorf("%s: %s comes as well", why, m.Content)
	default:
	}
}

// publishes publishes texts with ids and waits until the room has them.
func (a *actor) publishes(to string, from, upTo int) (all []string) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	var under []*client.Publication
	for i := from; i < upTo; i++ {
		all = append(all, fmt.Sprint(i))
		p, err := a.PublishAsync(ctx, letter(fmt.Sprint("m", i), to, fmt.Sprint(i)))
		if err != nil {
			a.t.Fatal(err)
		}
		under = append(under, p)
	}
	for _, p := range under {
		if err := p.Wait(ctx); err != nil {
			a.t.Fatal(err)
		}
	}
	return all
}

// TestARoomIsRecoveredAfterACut: a listener that is away while 1,000 messages pass gets exactly
// these from another edge, and is told when it cannot.
func TestARoomIsRecoveredAfterACut(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rooms.json")
	if err := os.WriteFile(rules, []byte(keptRooms), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCluster(t, 2, "-room-rules", rules, "-max-rate", "0")
	rui := arrive(t, c.edges[0], "rui@localhost", "")
	const kept, few = "%2fkept%2f1@rooms.localhost", "%2ffew%2f1@rooms.localhost"
	lia := &listener{t: t}
	if lia.listens(c.edges[0], "lia@localhost/1", "/kept/1") {
		t.Error("nobody has asked whether anything is missing")
	}
	lia.wantHeard("live", rui.publishes(kept, 0, 20)...)
	lia.Close()
	missed := rui.publishes(kept, 20, 1020)
	if !lia.listens(c.edges[1], "lia@localhost/1", "/kept/1") {
		t.Error("that nothing is missing is not known")
	}
	lia.wantHeard("what was missed, on another edge", missed...)
	lia.wantHeard("what is new", rui.publishes(kept, 1020, 1040)...)
	lia.Close()

	late := &listener{t: t}
	late.listens(c.edges[0], "late@localhost/1", "/few/1")
	late.wantHeard("live", rui.publishes(few, 0, 5)...)
	late.Close()
	missed = rui.publishes(few, 5, 305)
	if late.listens(c.edges[1], "late@localhost/1", "/few/1") {
		t.Error("more is missing than the room keeps, and it is not told")
	}
	late.wantHeard("what there is", missed[200:]...)
}
