package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/routing/subject"
)

const (
	groupPartitions = 4
	groupMessages   = 80 // of each sender to each group
)

// TestGroupsOutliveARouterAndABroker: members of groups in several partitions see each message
// once, and all in the same order, though the router that fans them out is killed in the
// middle, and then the nats-server that leads the stream of one group.
func TestGroupsOutliveARouterAndABroker(t *testing.T) {
	t.Parallel()
	brokers := startNATSCluster(t)
	var urls []string
	for _, b := range brokers {
		urls = append(urls, b.url)
	}
	c := &cluster{broker: strings.Join(urls, ","), settings: []string{"-replicas", "3", "-partitions", "4", "-duplicate-window", "2m"}}
	c.start(t, 2)
	groups := c.groupsApart(3)
	var all []*audience
	for i, like := range []string{"ana", "rui", "lia", "eva"} {
		all = append(all, c.audience(t, like, i, i < 2, len(groups)))
	}
	all[0].found(t, groups, all[1:])
	eventually(t, "the router has the groups", patience, func() error {
		if now, err := page(t.Context(), c.routerAdmin, "/metrics"); err != nil || !holdsGroups(string(now)) {
			return fmt.Errorf("it has none, %w", err)
		}
		return nil
	})
	c.addRouter(t) // in reserve: the first has all partitions
	leader := brokers[leads(t, c.broker, groups[0])-1]

	running, ctx := errgroup.WithContext(t.Context())
	faulted := make(chan struct{}) // the last part is said behind it
	for _, a := range all {
		running.Go(func() error { return a.hear(ctx) })
		if a.sends {
			running.Go(func() error { return a.speak(ctx, groups, faulted) })
		}
	}
	total := 2 * len(groups) * groupMessages
	for _, fault := range []struct {
		what   string
		victim *process
		share  int
	}{{"the router is killed", c.router, total / 4}, {"a broker is killed", leader.process, total / 2}} {
		eventually(t, fmt.Sprintf("%s after %d messages", fault.what, fault.share), 2*patience, func() error {
			if seen := int(all[3].seen.Load()); seen < fault.share && ctx.Err() == nil {
				return fmt.Errorf("%d are seen", seen)
			}
			return nil
		})
		fault.victim.kill()
	}
	close(faulted)
	if err := running.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, group := range groups {
		order := all[2].heard[group.String()]
		if len(order) != 2*(groupMessages+1) {
			t.Errorf("%s has %d of %s", all[2].Node(), len(order), group)
		}
		for _, a := range all {
			a.wantHeard(t, group, order)
		}
	}
}

// groupsApart names groups of different partitions.
func (c *cluster) groupsApart(n int) []lime.Identity {
	apart := map[int]lime.Identity{}
	for len(apart) < n {
		id := lime.Identity{Name: c.name("apart"), Domain: lime.GroupsDomain(domain)}
		apart[partitionOf(id)] = id
	}
	return slices.Collect(maps.Values(apart))
}

func partitionOf(group lime.Identity) int {
	key, err := subject.MakeKey(group)
	if err != nil {
		panic(err)
	}
	return key.Partition(groupPartitions)
}

// leads is the number of the nats-server that leads the stream of a group.
func leads(t *testing.T, url string, group lime.Identity) (number int) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the group's stream has a leader", patience, func() error {
		s, err := js.Stream(t.Context(), subject.GroupStream(partitionOf(group)))
		if err != nil {
			return err
		}
		_, err = fmt.Sscanf(s.CachedInfo().Cluster.Leader, "nats-%d", &number)
		return err
	})
	return number
}

// audience is a client in all groups, some of whom speak. It writes down what it hears.
type audience struct {
	*client.Client
	sends bool
	ends  int // of what others say, by their number
	seen  atomic.Int64

	heard map[string][]string // by groups; owned by hear
}

// audience logs somebody in at the i-th edge or the other one.
func (c *cluster) audience(t *testing.T, like string, i int, sends bool, groups int) *audience {
	t.Helper()
	cfg := client.Config{
		Node:   lime.MustParseNode(c.name(like) + "@" + domain + "/home"),
		Scheme: client.Plain(client.Fixed(password)), Presence: &lime.Presence{Status: lime.StatusAvailable},
		Servers: []string{c.edges[(i+1)%2].url},
	}
	makeAccount(t, c.edges[i%2].url, cfg)
	a := &audience{sends: sends, ends: 2 * groups, heard: map[string][]string{}}
	if sends {
		a.ends = groups // it does not hear itself
	}
	var err error
	if a.Client, err = client.Dial(t.Context(), c.edges[i%2].url, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close()
		<-a.Done()
	})
	return a
}

// found makes groups of which all are members.
func (a *audience) found(t *testing.T, groups []lime.Identity, others []*audience) {
	t.Helper()
	set := func(uri, media string, resource map[string]string) {
		t.Helper()
		value, err := json.Marshal(resource)
		must(t, err)
		eventually(t, "set "+uri, patience, func() error {
			_, err := a.Command(t.Context(), &lime.Command{Method: lime.MethodSet, URI: uri, Type: media, Resource: value})
			if reason := lime.AsReason(err); err != nil && (reason == nil || reason.Code != lime.CodeCommandResourceNotFound) {
				t.Fatal(err)
			}
			return err // a replica that is behind does not have the group yet
		})
	}
	for _, group := range groups {
		set("/groups", lime.MediaGroup, map[string]string{"identity": group.String()})
		for _, other := range others {
			set("/groups/"+group.String()+"/members", lime.MediaMember, map[string]string{"address": other.Node().Identity.String()})
		}
	}
}

// speak publishes numbers to all groups in turns, and then the end. Ids are each sender's
// own: all use the same. The last quarter waits until there were all faults.
func (a *audience) speak(ctx context.Context, groups []lime.Identity, faulted <-chan struct{}) error {
	var all []*client.Publication
	for i := range groupMessages + 1 {
		if i == groupMessages*3/4 {
			select {
			case <-faulted:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		for _, group := range groups {
			text := fmt.Sprint(i)
			if i == groupMessages {
				text = "end"
			}
			one, err := a.PublishAsync(ctx, &lime.Message{
				ID: group.Name + "-" + text, To: lime.Node{Identity: group}, Type: lime.MediaText, Content: []byte(`"` + text + `"`),
			})
			if err != nil {
				return err
			}
			all = append(all, one)
		}
	}
	for _, one := range all {
		if err := one.Wait(ctx); err != nil {
			return fmt.Errorf("%s publishes %s: %w", a.Node(), one.ID(), err)
		}
	}
	return nil
}

// hear takes what comes until the others have come to their end in all groups.
func (a *audience) hear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for m, err := range a.Messages(ctx) {
		if err != nil {
			return fmt.Errorf("%s hears: %w", a.Node(), err)
		}
		sender, err := lime.ParseGroupSender(m.From.Instance)
		if err != nil {
			return fmt.Errorf("%s hears %s: %w", a.Node(), m.From, err)
		}
		group := m.From.Identity.String()
		a.heard[group] = append(a.heard[group], sender.String()+" "+string(m.Content))
		a.seen.Add(1)
		if string(m.Content) == `"end"` {
			if a.ends--; a.ends == 0 {
				return nil
			}
		}
	}
	return fmt.Errorf("%s: %w, and has heard %d", a.Node(), a.Err(), a.seen.Load())
}

// wantHeard wants what others have said in a group, in the order of somebody who has heard
// all, and of each sender in the order in which it spoke.
func (a *audience) wantHeard(t *testing.T, group lime.Identity, order []string) {
	t.Helper()
	own := a.Node().Identity.String() + " "
	want := slices.DeleteFunc(slices.Clone(order), func(said string) bool { return strings.HasPrefix(said, own) })
	got := a.heard[group.String()]
	if !slices.Equal(got, want) {
		t.Errorf("%s has heard in %s\n%q\nand another\n%q", a.Node(), group, got, want)
	}
	next := map[string]int{}
	for _, said := range got {
		who, text, _ := strings.Cut(said, " ")
		if n := next[who]; text != fmt.Sprintf("%q", fmt.Sprint(n)) && (n != groupMessages || text != `"end"`) {
			t.Errorf("%s has heard %s in %s for number %d", a.Node(), said, group, n)
			return
		}
		next[who]++
	}
}
