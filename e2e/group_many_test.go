package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/group"
	"limegrove/lime"
)

// largeGroupMessages may be more for those who measure.
var largeGroupMessages = flag.Int("group-messages", 6, "`number` of messages to a large group")

// TestLargeGroupOutlivesARouter: five thousand members get every message once and in order,
// though the router that is at it is killed.
func TestLargeGroupOutlivesARouter(t *testing.T) {
	t.Parallel()
	const members = 5000
	messages := *largeGroupMessages
	broker := startNATS(t)
	c := &cluster{nats: broker, broker: broker.url, settings: []string{"-duplicate-window", "2m"}} // so that the log is kept
	c.start(t, 2)
	second := c.addRouter(t)
	ana := c.person(t, goLibrary, c.edges[0], "ana")
	ana.setReceipts("failed", "accepted", "received")
	name := c.name("all") + groupOf
	ana.wantDone("makes a group", "set", "/groups", "group", map[string]any{"identity": name})
	nc, err := nats.Connect(c.broker)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	enter(t, js, name, members)
	stored := listen(t, js)

	began := time.Now()
	for i := range messages {
		ana.send(text(strconv.Itoa(i), name, "to five thousand"))
	}
	ana.want("one is fanned out", func(e Envelope) bool { return e.ID == "2" && e.Event == "received" })
	busy := c.router
	if now, err := page(t.Context(), c.routerAdmin, "/metrics"); err != nil || !holdsGroups(string(now)) {
		busy = second
	}
	busy.kill()
	ana.wantWithin("the other router goes on", 2*time.Minute, func(e Envelope) bool {
		return e.ID == strconv.Itoa(messages-1) && e.Event == "received"
	})
	took := time.Since(began)
	all := stored()
	for i := range members {
		got := all[fmt.Sprintf("m%d", i)]
		if len(got) != messages {
			t.Fatalf("member %d has %v", i, got)
		}
		for n, id := range got {
			if id != strconv.Itoa(n) {
				t.Fatalf("member %d has %v", i, got)
			}
		}
	}
	line := fmt.Sprintf("%d members, %d messages, %s killed: each has each once, in order, after %s", members, messages, busy.name, took.Round(time.Millisecond))
	t.Log(line)
	_, _ = fmt.Fprintln(os.Stdout, line) // for those who run without -v
}

// enter makes so many members of a group, behind the server's back: it would want accounts.
func enter(t *testing.T, js jetstream.JetStream, name string, members int) {
	t.Helper()
	groups, err := group.Open(t.Context(), group.Config{JetStream: js, MaxMembers: 2 * members})
	if err != nil {
		t.Fatal(err)
	}
	g, err := groups.Get(t.Context(), lime.MustParseIdentity(name))
	if err != nil {
		t.Fatal(err)
	}
	next := make(chan int)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := range next {
				who := lime.Node{Identity: lime.Identity{Name: fmt.Sprintf("m%d", i), Domain: domain}}
				if err := groups.Set(t.Context(), g, group.Member{Address: who, Role: group.Speaker}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range members {
		next <- i
	}
	close(next)
	all.Wait()
}

// listen reads the log. The function returns, by names, the ids of what was stored.
func listen(t *testing.T, js jetstream.JetStream) (stored func() map[string][]string) {
	t.Helper()
	log, err := js.Stream(t.Context(), "LOG_0")
	if err != nil {
		t.Fatal(err)
	}
	return func() map[string][]string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		reader, err := log.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy})
		if err != nil {
			t.Fatal(err)
		}
		info, err := log.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string][]string{}
		more, err := reader.Messages()
		if err != nil {
			t.Fatal(err)
		}
		defer more.Stop()
		for {
			m, err := more.Next(jetstream.NextContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			meta, err := m.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			var h lime.Header
			if _, err := h.Scan(m.Data()); err == nil && h.Kind == lime.KindMessage {
				to := lime.MustParseNode(string(h.To))
				all[to.Name] = append(all[to.Name], string(h.ID))
			}
			if meta.Sequence.Stream >= info.State.LastSeq {
				return all
			}
		}
	}
}

// holdsGroups tells whether a router's metrics say that it has the partition.
func holdsGroups(metrics string) bool {
	var held float64
	for line := range strings.SplitSeq(metrics, "\n") {
		if _, err := fmt.Sscanf(line, "limegrove_group_partitions %g", &held); err == nil {
			return held > 0
		}
	}
	return false
}
