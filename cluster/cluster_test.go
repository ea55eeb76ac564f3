package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/cluster"
)

// patience is how long a test waits for what must come. Nothing waits that long
// when all is well.
const patience = 20 * time.Second

// member is a running member and the events that it saw.
type member struct {
	*cluster.Cluster
	t      *testing.T
	events chan cluster.Event
	aside  []cluster.Event // of members that were not asked for yet
	stop   func()
}

// start runs a member on a free port of loopback until the test ends.
func start(t *testing.T, cfg cluster.Config) *member {
	t.Helper()
	if cfg.Bind == "" {
		cfg.Bind = "127.0.0.1:0"
	}
	if cfg.Role == "" {
		cfg.Role = cluster.RoleEdge
	}
	if cfg.JoinInterval == 0 {
		cfg.JoinInterval = 200 * time.Millisecond
	}
	if cfg.UpdateInterval == 0 {
		cfg.UpdateInterval = 50 * time.Millisecond
	}
	cfg.Preset = cluster.PresetLocal
	c, err := cluster.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m := &member{Cluster: c, t: t, events: make(chan cluster.Event, 1000)}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	running.Go(func() { _ = c.Watch(ctx, func(e cluster.Event) { m.events <- e }) })
	m.stop = sync.OnceFunc(func() {
		cancel()
		if err := c.Close(); err != nil {
			t.Errorf("close %s: %v", cfg.ID, err)
		}
		running.Wait()
	})
	t.Cleanup(m.stop)
	return m
}

// want waits for an event about id and fails on any other kind but those in between.
func (m *member) want(kind cluster.EventKind, id string, between ...cluster.EventKind) cluster.Member {
	m.t.Helper()
	return m.wantWhere(kind, id, func(cluster.Member) bool { return true }, between...)
}

func (m *member) wantWhere(kind cluster.EventKind, id string, fits func(cluster.Member) bool, between ...cluster.EventKind) cluster.Member {
	m.t.Helper()
	timeout := time.After(patience)
	unread := m.aside
	m.aside = nil
	for {
		var e cluster.Event
		if len(unread) > 0 {
			e, unread = unread[0], unread[1:]
		} else {
			select {
			case e = <-m.events:
			case <-timeout:
				m.t.Fatalf("%s sees no %s of %s; it knows %v", m.Self().ID, kind, id, m.Members())
			}
		}
		switch {
		case e.Member.ID != id:
			m.aside = append(m.aside, e)
		case e.Kind == kind && fits(e.Member):
			m.aside = append(m.aside, unread...)
			return e.Member
		case e.Kind != kind && !slices.Contains(between, e.Kind):
			m.t.Fatalf("%s sees %s of %s, want %s", m.Self().ID, e.Kind, id, kind)
		}
	}
}

// names is a resolver with answers that may be changed.
type names struct {
	mu      sync.Mutex
	answers map[string][]string
	asked   chan string // nil, or given each name asked for, if there is room
}

func (n *names) LookupHost(_ context.Context, host string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case n.asked <- host:
	default:
	}
	if ips, ok := n.answers[host]; ok {
		return ips, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (n *names) set(host string, ips ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers = maps.Clone(n.answers)
	if n.answers == nil {
		n.answers = map[string][]string{}
	}
	n.answers[host] = ips
}

func TestMembersLearnOfEachOther(t *testing.T) {
	ana := start(t, cluster.Config{ID: "ana", Zone: "north", Addr: "10.1.1.1:8090"})
	rui := start(t, cluster.Config{ID: "rui", Role: cluster.RoleRouter, Join: []string{ana.GossipAddr()}})
	lia := start(t, cluster.Config{ID: "lia", Join: []string{rui.GossipAddr()}})

	ana.want(cluster.EventJoin, "rui")
	ana.want(cluster.EventJoin, "lia", cluster.EventUpdate)
	got := lia.want(cluster.EventJoin, "ana")
	if got.Zone != "north" || got.Addr != "10.1.1.1:8090" || got.Role != cluster.RoleEdge || got.Gossip != ana.GossipAddr() {
		t.Errorf("lia knows of ana %+v", got)
	}
	if got.Incarnation != ana.Incarnation() || !got.Started.Equal(ana.Self().Started) {
		t.Errorf("lia takes ana's run for %s of %s", got.Incarnation, got.Started)
	}
	if r, ok := lia.Member(rui.Incarnation()); !ok || r.Role != cluster.RoleRouter {
		t.Errorf("lia knows of rui %+v, %t", r, ok)
	}
	var ids []string
	for _, m := range lia.Members() {
		ids = append(ids, m.ID)
	}
	if want := []string{"ana", "lia", "rui"}; !slices.Equal(ids, want) {
		t.Errorf("lia lists %q, want %q", ids, want)
	}
	if !lia.Alive(ana.Incarnation()) || lia.Alive("somebody-else") {
		t.Error("alive is who is listed, and nobody else")
	}
}

func TestLoadAndDrainingSpread(t *testing.T) {
	ana := start(t, cluster.Config{ID: "ana"})
	rui := start(t, cluster.Config{ID: "rui", Join: []string{ana.GossipAddr()}})
	rui.want(cluster.EventJoin, "ana")

	ana.SetSessions(12345)
	rui.wantWhere(cluster.EventUpdate, "ana", func(m cluster.Member) bool { return m.Sessions == 12345 })
	ana.SetDraining(true)
	rui.wantWhere(cluster.EventUpdate, "ana", func(m cluster.Member) bool { return m.Draining && m.Sessions == 12345 })
	if m, ok := rui.Member(ana.Incarnation()); !ok || !m.Draining {
		t.Errorf("rui's table has %+v", m)
	}
}

func TestDrainingIsAnnouncedAtOnce(t *testing.T) {
	ana := start(t, cluster.Config{ID: "ana", UpdateInterval: time.Hour})
	rui := start(t, cluster.Config{ID: "rui", Join: []string{ana.GossipAddr()}})
	rui.want(cluster.EventJoin, "ana")
	ana.SetDraining(true)
	rui.wantWhere(cluster.EventUpdate, "ana", func(m cluster.Member) bool { return m.Draining })
}

func TestGoodbyeIsToldFromSilence(t *testing.T) {
	ana := start(t, cluster.Config{ID: "ana"})
	polite := start(t, cluster.Config{ID: "polite", Join: []string{ana.GossipAddr()}})
	crashed := start(t, cluster.Config{ID: "crashed", Join: []string{ana.GossipAddr()}})
	ana.want(cluster.EventJoin, "polite")
	ana.want(cluster.EventJoin, "crashed")
	polite.want(cluster.EventJoin, "ana") // before, it has nobody to say goodbye to

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := polite.Leave(ctx); err != nil {
		t.Error(err)
	}
	ana.want(cluster.EventLeave, "polite", cluster.EventUpdate)
	if ana.Alive(polite.Incarnation()) {
		t.Error("one that left is still alive")
	}
	if got := polite.Members(); slices.ContainsFunc(got, func(m cluster.Member) bool { return m.ID == "polite" }) {
		t.Errorf("one that left counts itself: %v", got)
	}

	crashed.stop()
	gone := ana.want(cluster.EventDead, "crashed", cluster.EventUpdate)
	if gone.Incarnation != crashed.Incarnation() {
		t.Errorf("dead is %s, want %s", gone.Incarnation, crashed.Incarnation())
	}
	if ana.Alive(crashed.Incarnation()) {
		t.Error("one that is dead is still alive")
	}
}

func TestDNSNameStandsForAllItsAddresses(t *testing.T) {
	// One port on several addresses of loopback, as pods of a headless service.
	first, port := listenOn(t, "127.0.0.2", "0")
	second, _ := listenOn(t, "127.0.0.3", port)
	dns := &names{}
	dns.set("edges.test", "127.0.0.2", "127.0.0.3", "127.0.0.4") // nobody is at .4

	third := start(t, cluster.Config{ID: "third", Bind: "127.0.0.5:0", Resolver: dns, Join: []string{"edges.test:" + port}})
	third.want(cluster.EventJoin, first.Self().ID)
	// Nobody told the first and the second of each other, so both were contacted.
	first.want(cluster.EventJoin, second.Self().ID)
}

func listenOn(t *testing.T, ip, port string) (*member, string) {
	t.Helper()
	m := start(t, cluster.Config{ID: "at-" + ip, Bind: net.JoinHostPort(ip, port)})
	_, port, err := net.SplitHostPort(m.GossipAddr())
	if err != nil {
		t.Fatal(err)
	}
	return m, port
}

func TestNameWithoutAddressIsAskedAgain(t *testing.T) {
	dns := &names{asked: make(chan string, 1)}
	ana := start(t, cluster.Config{ID: "ana"})
	_, port, _ := net.SplitHostPort(ana.GossipAddr())
	rui := start(t, cluster.Config{ID: "rui", Resolver: dns, Join: []string{"edges.test:" + port}})
	<-dns.asked // in vain
	dns.set("edges.test", "127.0.0.1")
	rui.want(cluster.EventJoin, "ana")
}

func TestClusterGrowsTogetherAfterAllSeedsWereAway(t *testing.T) {
	seed := start(t, cluster.Config{ID: "seed"})
	addr := seed.GossipAddr()
	ana := start(t, cluster.Config{ID: "ana", Join: []string{addr}})
	ana.want(cluster.EventJoin, "seed")
	seed.stop()
	old := ana.want(cluster.EventDead, "seed", cluster.EventUpdate)

	again := start(t, cluster.Config{ID: "seed", Bind: addr}) // it joins nobody
	back := ana.want(cluster.EventJoin, "seed")
	if back.Incarnation == old.Incarnation || back.Incarnation != again.Incarnation() {
		t.Errorf("the seed's new run is %s, the old %s", back.Incarnation, old.Incarnation)
	}
}

func TestEncryptedRefusesPlainAndOtherKeys(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	ana := start(t, cluster.Config{ID: "ana", Keys: [][]byte{key}})
	for name, keys := range map[string][][]byte{"plain": nil, "other": {other}} {
		m, err := cluster.Start(cluster.Config{ID: name, Role: cluster.RoleEdge, Bind: "127.0.0.1:0", Keys: keys, Preset: cluster.PresetLocal})
		if err != nil {
			t.Fatal(err)
		}
		if err := cluster.JoinOnce(m, ana.GossipAddr()); err == nil {
			t.Errorf("%s has joined", name)
		}
		if got := m.Members(); len(got) != 1 {
			t.Errorf("%s has learned of %v", name, got)
		}
		_ = m.Close()
	}
	if got := ana.Members(); len(got) != 1 {
		t.Errorf("ana has learned of %v", got)
	}

	// While keys are rotated members encrypt with different keys but know both.
	rui := start(t, cluster.Config{ID: "rui", Keys: [][]byte{other, key}})
	lia := start(t, cluster.Config{ID: "lia", Keys: [][]byte{key, other}, Join: []string{rui.GossipAddr()}})
	rui.want(cluster.EventJoin, "lia")
	lia.want(cluster.EventJoin, "rui")
}

func TestKeysAreRotatedWhileMembersRun(t *testing.T) {
	first, second := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 16)
	ana := start(t, cluster.Config{ID: "ana", Keys: [][]byte{first}})
	rui := start(t, cluster.Config{ID: "rui", Keys: [][]byte{first}, Join: []string{ana.GossipAddr()}})
	ana.want(cluster.EventJoin, "rui")
	for _, keys := range [][][]byte{{first, second}, {second, first}, {second}} {
		for _, m := range []*member{ana, rui} {
			if err := m.SetKeys(keys); err != nil {
				t.Fatal(err)
			}
		}
	}
	lia := start(t, cluster.Config{ID: "lia", Keys: [][]byte{second}, Join: []string{rui.GossipAddr()}})
	lia.want(cluster.EventJoin, "ana")
	ana.want(cluster.EventJoin, "lia")
	late, err := cluster.Start(cluster.Config{ID: "late", Role: cluster.RoleEdge, Bind: "127.0.0.1:0", Keys: [][]byte{first}, Preset: cluster.PresetLocal})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = late.Close() }()
	if err := cluster.JoinOnce(late, ana.GossipAddr()); err == nil {
		t.Error("who has the key of before has joined")
	}
	for name, keys := range map[string][][]byte{"none": nil, "a short one": {second, []byte("short")}} {
		if ana.SetKeys(keys) == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if plain := start(t, cluster.Config{ID: "plain"}); plain.SetKeys([][]byte{first}) == nil || plain.SetKeys(nil) != nil {
		t.Error("a member that was started without keys has some, or cannot do without")
	}
}

func TestAnotherSystemsGossipIsRefused(t *testing.T) {
	ana := start(t, cluster.Config{ID: "ana"})
	conf := memberlist.DefaultLocalConfig()
	conf.Name, conf.BindAddr, conf.BindPort = "stranger", "127.0.0.1", 0
	conf.LogOutput = &bytes.Buffer{}
	stranger, err := memberlist.Create(conf)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Shutdown() }()
	if _, err := stranger.Join([]string{ana.GossipAddr()}); err == nil {
		t.Error("a stranger has joined")
	}
	if got := ana.Members(); len(got) != 1 {
		t.Errorf("ana has learned of %v", got)
	}
}

func TestSlowWatcherHoldsUpNobody(t *testing.T) {
	ana := start(t, cluster.Config{ID: "ana"})
	entered, release := make(chan struct{}), make(chan struct{})
	var seen []cluster.Event
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	rui := start(t, cluster.Config{ID: "rui", Join: []string{ana.GossipAddr()}})
	go func() {
		defer close(done)
		_ = ana.Watch(ctx, func(e cluster.Event) {
			if len(seen) == 0 {
				close(entered)
				<-release
			}
			seen = append(seen, e)
			if e.Member.Sessions == 20 {
				cancel()
			}
		})
	}()
	<-entered
	for n := 1; n <= 20; n++ {
		rui.SetSessions(n)
		ana.wantWhere(cluster.EventUpdate, "rui", func(m cluster.Member) bool { return m.Sessions == n }, cluster.EventJoin)
	}
	close(release)
	<-done
	if len(seen) > 3 {
		t.Errorf("%d events waited for the slow watcher, want the newest only: %v", len(seen), seen)
	}
}

func TestWatchEndsWithContextAndWithTheCluster(t *testing.T) {
	ana := start(t, cluster.Config{ID: "ana"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ana.Watch(ctx, func(cluster.Event) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("with its context: %v", err)
	}
	ana.stop()
	if err := ana.Watch(t.Context(), func(cluster.Event) {}); err != nil {
		t.Errorf("with the cluster: %v", err)
	}
}

func TestRunEndsWithContextAndWithTheCluster(t *testing.T) {
	c, err := cluster.Start(cluster.Config{
		ID: "ana", Role: cluster.RoleEdge, Bind: "127.0.0.1:0", Join: []string{"127.0.0.1:1"}, Preset: cluster.PresetLocal,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("with its context: %v", err)
	}
	go func() { ended <- c.Run(t.Context()) }()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("with the cluster: %v", err)
	}
}

func TestEndingTwiceIsNoError(t *testing.T) {
	ana := start(t, cluster.Config{ID: "ana"})
	for range 2 {
		if err := ana.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := ana.Leave(t.Context()); err != nil {
			t.Error(err)
		}
		if err := ana.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestStartRefusesWhatCannotWork(t *testing.T) {
	good := cluster.Config{ID: "ana", Role: cluster.RoleEdge, Bind: "127.0.0.1:0"}
	for name, spoil := range map[string]func(*cluster.Config){
		"no id":                  func(c *cluster.Config) { c.ID = "" },
		"no role":                func(c *cluster.Config) { c.Role = "" },
		"subject in incarnation": func(c *cluster.Config) { c.Incarnation = "a.b" },
		"bind without port":      func(c *cluster.Config) { c.Bind = "127.0.0.1" },
		"bind to unknown name":   func(c *cluster.Config) { c.Bind, c.Resolver = "nowhere:0", &names{} },
		"advertise unknown name": func(c *cluster.Config) { c.Advertise, c.Resolver = "nowhere", &names{} },
		"join without port":      func(c *cluster.Config) { c.Join = []string{"edge"} },
		"short key":              func(c *cluster.Config) { c.Keys = [][]byte{[]byte("short")} },
		"too much to tell":       func(c *cluster.Config) { c.Zone = strings.Repeat("z", 500) },
	} {
		cfg := good
		spoil(&cfg)
		if c, err := cluster.Start(cfg); err == nil {
			t.Errorf("%s: started", name)
			_ = c.Close()
		}
	}
	ana := start(t, good)
	taken := good
	taken.Bind = ana.GossipAddr()
	if c, err := cluster.Start(taken); err == nil {
		t.Error("two members on one address")
		_ = c.Close()
	}
}

func TestAdvertisedNameIsResolved(t *testing.T) {
	dns := &names{}
	dns.set("edge-0.test", "127.0.0.9")
	ana := start(t, cluster.Config{ID: "ana", Advertise: "edge-0.test", Resolver: dns})
	if got := ana.GossipAddr(); !strings.HasPrefix(got, "127.0.0.9:") {
		t.Errorf("advertised is %s", got)
	}
}

func TestMetricsCountMembersAndEvents(t *testing.T) {
	registry := prometheus.NewRegistry()
	ana := start(t, cluster.Config{ID: "ana", Zone: "north", Registerer: registry})
	rui := start(t, cluster.Config{ID: "rui", Zone: "south", Join: []string{ana.GossipAddr()}})
	ana.want(cluster.EventJoin, "rui")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		fmt.Fprintln(&text, f)
	}
	for _, want := range []string{"limegrove_cluster_members", "north", "south", "limegrove_cluster_events_total", "limegrove_cluster_health_score"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %s in %s", want, text.String())
		}
	}
	rui.stop()
	ana.stop()
	if families, _ := registry.Gather(); len(families) != 0 {
		t.Errorf("after the end there still is %v", families)
	}
}

func TestMemberlistLogsAtItsLevels(t *testing.T) {
	var out bytes.Buffer
	log := logrus.New()
	log.SetOutput(&out)
	log.SetLevel(logrus.DebugLevel)
	log.SetFormatter(&logrus.TextFormatter{DisableTimestamp: true})
	cluster.WriteLog(log, "[DEBUG] memberlist: a\n", "[INFO] memberlist: b\n", "[WARN] memberlist: c\n", "[ERR] memberlist: d\n", "e\n", "[odd\n")
	want := "level=debug msg=a\nlevel=info msg=b\nlevel=debug msg=c\nlevel=warning msg=\"gossip has trouble\" error=c others=0\n" +
		"level=debug msg=d\nlevel=debug msg=e\nlevel=debug msg=\"[odd\"\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
