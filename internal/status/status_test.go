package status

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/internal/leaktest"
	"limegrove/internal/natstest"
)

func TestMain(m *testing.M) { os.Exit(leaktest.Run(m)) }

const (
	right    = "0123456789abcdef-right"
	patience = 20 * time.Second
)

// member is one process of a cluster.
type member struct {
	*Page
	t        testing.TB
	id       string
	server   *httptest.Server
	sessions prometheus.Gauge
	sent     prometheus.Counter
	drained  atomic.Int32
	evened   atomic.Int32
	level    atomic.Value
	log      *bytes.Buffer
	stuck    atomic.Pointer[stuck] // in which a search for sessions is
	end      func()
}

// stuck is a search that says that it has begun, and ends when it is let.
type stuck struct {
	began chan<- struct{}
	until <-chan struct{}
}

// world is who is in a cluster.
type world struct {
	t       testing.TB
	nats    *natstest.Server
	members atomic.Pointer[[]Member]
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, nats: natstest.New(t)}
	w.members.Store(&[]Member{})
	return w
}

// join adds a member to gossip, and start runs it.
func (w *world) join(id string, role Role) {
	all := append([]Member{}, *w.members.Load()...)
	all = append(all, Member{Incarnation: id + "-1", ID: id, Role: role, Started: time.Now()})
	w.members.Store(&all)
}

func (w *world) leave(id string) {
	var all []Member
	for _, m := range *w.members.Load() {
		if m.ID != id {
			all = append(all, m)
		}
	}
	w.members.Store(&all)
}

func (w *world) start(id string, role Role, sessions ...Session) *member {
	w.t.Helper()
	w.join(id, role)
	m := &member{
		t: w.t, id: id, log: new(bytes.Buffer),
		sessions: prometheus.NewGauge(prometheus.GaugeOpts{Name: "limegrove_edge_sessions"}),
		sent:     prometheus.NewCounter(prometheus.CounterOpts{Name: "limegrove_edge_envelopes_total", ConstLabels: prometheus.Labels{"direction": "sent", "kind": "message"}}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.sessions, m.sent)
	log := logrus.New()
	log.SetOutput(m.log)
	nc := w.nats.Connect()
	m.Page = New(Config{
		Reporter: NewReporter(ReporterConfig{
			Incarnation: id + "-1", Version: "v1", Gatherer: registry, Cores: 2,
			State: func() State { return State{NATS: "connected"} },
			Sessions: func(context.Context, int) ([]Session, []Session) {
				if s := m.stuck.Load(); s != nil {
					close(s.began)
					<-s.until
				}
				return append([]Session(nil), sessions...), nil
			},
		}),
		NATS:     nc,
		Subjects: Subjects{Ask: "status.ask", Order: func(to string) string { return "status." + to + ".do" }},
		Members:  func() []Member { return *w.members.Load() },
		Drain:    func() { m.drained.Add(1) },
		Rebalance: func() (int, error) {
			if m.evened.Add(1) > 1 {
				return 0, errors.New("not twice")
			}
			return 7, nil
		},
		LogLevel: func(level string, during time.Duration, by string) error {
			if level == "loud" {
				return errors.New("no such level")
			}
			m.level.Store(fmt.Sprintf("%s %s %v", level, during, strings.HasPrefix(by, "127.0.0.1:")))
			return nil
		},
		Search: func(_ context.Context, text string) (Found, error) {
			switch text {
			case "ana@example.org":
				return Found{Identity: text, Status: "available", Instances: []Instance{{Instance: "home", Edge: "e1-1"}}, Waiting: Waiting{Inbox: 2, Log: 1}}, nil
			case "away":
				return Found{}, errors.New("Redis is away")
			}
			return Found{}, Refusal{http.StatusBadRequest, "this is no identity"}
		},
		Files: http.NotFoundHandler(), Token: right, Log: log, Metrics: registry,
	})
	mux := http.NewServeMux()
	for pattern, h := range m.Pages() {
		mux.Handle(pattern, h)
	}
	m.server = httptest.NewServer(mux)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	subscribed(w.t, nc, 2)
	m.end = func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("it ends with %v", err)
		}
	}
	w.t.Cleanup(func() {
		m.server.CloseClientConnections()
		m.server.Close()
		m.end()
	})
	return m
}

// subscribed waits until a connection has so many subscriptions, and the server knows of them.
func subscribed(t testing.TB, nc *nats.Conn, n int) {
	t.Helper()
	for late := time.After(patience); nc.NumSubscriptions() < n; {
		select {
		case <-late:
			t.Fatal("it does not subscribe")
		case <-time.After(time.Millisecond):
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

// request asks a member for something.
func (m *member) request(method, path, token, body string, headers ...string) (int, string) {
	m.t.Helper()
	r, err := http.NewRequestWithContext(m.t.Context(), method, m.server.URL+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a, err := m.server.Client().Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer a.Body.Close()
	all, err := io.ReadAll(a.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return a.StatusCode, string(all)
}

// watching is somebody who watches a member.
type watching struct {
	t      testing.TB
	lines  *bufio.Scanner
	answer *http.Response
	end    func()
}

func (m *member) watching(token string) *watching {
	m.t.Helper()
	ctx, cancel := context.WithCancel(m.t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, m.server.URL+"/status/events", http.NoBody)
	if err != nil {
		m.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	a, err := m.server.Client().Do(r) //nolint:bodyclose // end closes it
	if err != nil {
		m.t.Fatal(err)
	}
	s := bufio.NewScanner(a.Body)
	s.Buffer(nil, 1<<20)
	w := &watching{m.t, s, a, func() {
		cancel()
		_ = a.Body.Close()
	}}
	m.t.Cleanup(w.end)
	return w
}

// next is the next event.
func (w *watching) next() (name, data string) {
	for w.lines.Scan() {
		line := w.lines.Text()
		if is, ok := strings.CutPrefix(line, "event: "); ok {
			name = is
		}
		if is, ok := strings.CutPrefix(line, "data: "); ok {
			return name, is
		}
	}
	return "", ""
}

// until returns the first snapshot that is as it should be.
func (w *watching) until(what string, is func(Snapshot) bool) (s Snapshot) {
	w.t.Helper()
	for range 40 {
		name, data := w.next()
		if name == "" {
			break
		}
		if name != "snapshot" {
			continue
		}
		s = Snapshot{}
		if err := json.Unmarshal([]byte(data), &s); err != nil {
			w.t.Fatal(err)
		}
		if is(s) {
			return s
		}
	}
	w.t.Fatalf("%s: the last was %+v", what, s)
	return s
}

func of(s Snapshot, id string) Shown {
	for _, m := range s.Members {
		if m.ID == id {
			return m
		}
	}
	return Shown{}
}

func TestWatchersSeeTheWholeCluster(t *testing.T) {
	w := newWorld(t)
	one := w.start("e1", Edge)
	two := w.start("e2", Edge, Session{Node: "ana@example.org/home", Remote: "10.0.0.1:1", Over: "tcp", Received: Rate{5, 500}})
	w.join("e3", Edge) // of an older version: it does not answer
	one.sessions.Set(3)
	two.sessions.Set(4)
	seen := one.watching("")
	s := seen.until("both are told of", func(s Snapshot) bool {
		return of(s, "e1").Sessions == 3 && of(s, "e2").Sessions == 4 && of(s, "e2").Health == Healthy
	})
	if s.Self != "e1-1" || !s.Token || s.Named || of(s, "e3").Health != Asked || of(s, "e2").Report.Version != "v1" {
		t.Errorf("it is %+v", s)
	}
	if len(s.Busiest) != 1 || s.Busiest[0].Node != "a…@example.org" || s.Busiest[0].Remote != "" || s.Busiest[0].Edge != "e2-1" {
		t.Errorf("without the token the busiest are shown as %+v", s.Busiest)
	}
	two.sent.Add(1000)
	seen.until("the rate rises", func(s Snapshot) bool { return of(s, "e2").Report != nil && of(s, "e2").Report.Sent.Envelopes > 100 })
	seen.until("who says nothing is silent", func(s Snapshot) bool { return of(s, "e3").Health == Silent })
	w.leave("e2")
	seen.until("who leaves is shown as gone", func(s Snapshot) bool { return of(s, "e2").Health == Gone && of(s, "e2").Report == nil })

	named := one.watching(right)
	s = named.until("with the token", func(s Snapshot) bool { return s.Named })
	for _, b := range s.Busiest {
		if b.Node != "ana@example.org/home" {
			t.Errorf("with the token it is shown as %+v", b)
		}
	}
	if code, _ := one.request("GET", "/status/events", "wrong", ""); code != http.StatusUnauthorized {
		t.Errorf("a wrong token is answered by %d", code)
	}
}

func TestAHistoryComesFirst(t *testing.T) {
	w := newWorld(t)
	one, two := w.start("e1", Edge), w.start("e2", Edge)
	at := time.Now().Truncate(sampleSpan).Add(-10 * sampleSpan).Unix()
	for _, m := range []*member{one, two} {
		r := m.cfg.Reporter
		r.mu.Lock()
		r.history = []Sample{{At: at, Sessions: 5, Received: 1, Sent: 2, Busy: 0.25}}
		r.mu.Unlock()
	}
	seen := one.watching("")
	name, data := seen.next()
	if name != "history" {
		t.Fatalf("%s came first", name)
	}
	want := fmt.Sprintf(`{"at":%d,"sessions":10,"received":2,"sent":4,"dropped":0,"busy":0.25}`, at)
	if !strings.Contains(data, want) {
		t.Errorf("the history is %s, without %s", data, want)
	}
}

func TestNothingIsCollectedWhenNobodyWatches(t *testing.T) {
	w := newWorld(t)
	one, two := w.start("e1", Edge), w.start("e2", Edge)
	read := func(m *member) time.Time {
		m.cfg.Reporter.mu.Lock()
		defer m.cfg.Reporter.mu.Unlock()
		return m.cfg.Reporter.before.at
	}
	if !read(one).IsZero() || !read(two).IsZero() {
		t.Fatal("somebody was asked before anybody watched")
	}
	seen := one.watching("")
	seen.until("both answer", func(s Snapshot) bool { return of(s, "e2").Health == Healthy })
	seen.end()
	for late := time.After(patience); one.newest.Load() != nil; {
		select {
		case <-late:
			t.Fatal("it goes on")
		case <-time.After(time.Millisecond):
		}
	}
	// And it begins again.
	one.watching("").until("both answer again", func(s Snapshot) bool { return of(s, "e2").Health == Healthy })
}

func TestWatchersAreBounded(t *testing.T) {
	w := newWorld(t)
	one := w.start("e1", Edge)
	var all []*watching
	for range maxWatchers - keptWatchers {
		all = append(all, one.watching(""))
	}
	if code, _ := one.request("GET", "/status/events", "", ""); code != http.StatusServiceUnavailable {
		t.Errorf("without the token, one of the places for those with it is given: %d", code)
	}
	for range keptWatchers {
		all = append(all, one.watching(right))
	}
	for _, s := range all {
		s.until("a snapshot", func(s Snapshot) bool { return len(s.Members) == 1 })
	}
	code, body := one.request("GET", "/status/events", right, "")
	if code != http.StatusServiceUnavailable || !strings.Contains(body, "as many watch") {
		t.Errorf("one more is answered by %d %s", code, body)
	}
	all[0].end()
	for late := time.After(patience); ; {
		next := one.watching("")
		if next.answer.StatusCode == http.StatusOK {
			break
		}
		next.end()
		select {
		case <-late:
			t.Fatal("the place is not given to another one")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestAnotherTokenEndsWhatTheOldOneOpened(t *testing.T) {
	w := newWorld(t)
	one := w.start("e1", Edge)
	named, plain := one.watching(right), one.watching("")
	named.until("with the token", func(s Snapshot) bool { return s.Named })
	one.SetToken(right)
	for range 2 {
		named.until("the same token ends nothing", func(s Snapshot) bool { return s.Named })
	}
	one.SetToken("")
	for range 40 {
		if name, _ := named.next(); name == "" {
			plain.until("without a token it goes on", func(s Snapshot) bool { return !s.Token })
			return
		}
	}
	t.Error("it goes on to show whole addresses")
}

func TestDeedsNeedTheToken(t *testing.T) {
	w := newWorld(t)
	one, two := w.start("e1", Edge), w.start("e2", Edge)
	drain := `{"member":"e2-1"}`
	for _, tc := range []struct {
		what, path, token, body string
		headers                 []string
		code                    int
		says                    string
	}{
		{"no token", "/status/drain", "", drain, nil, 401, "needs the admin token"},
		{"a wrong one", "/status/drain", "wrong", drain, nil, 401, "is not the admin token"},
		{"another page", "/status/drain", right, drain, []string{"Origin", "http://evil.example"}, 403, "another page"},
		{"another site", "/status/drain", right, drain, []string{"Sec-Fetch-Site", "cross-site"}, 403, "another page"},
		{"a form", "/status/drain", right, drain, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "application/json"},
		{"no JSON", "/status/drain", right, "x", nil, 400, "not what it should be"},
		{"nobody", "/status/drain", right, `{"member":"e9-1"}`, nil, 404, "no such member"},
		{"to be sure", "/status/token", right, `{}`, nil, 200, "{}"},
		{"to be sure of a wrong one", "/status/token", "wrong", `{}`, nil, 401, "is not"},
	} {
		if code, body := one.request("POST", tc.path, tc.token, tc.body, tc.headers...); code != tc.code || !strings.Contains(body, tc.says) {
			t.Errorf("%s: %d %s", tc.what, code, body)
		}
	}
	if one.drained.Load()+two.drained.Load() != 0 {
		t.Fatal("somebody drains")
	}
	if code, body := one.request("POST", "/status/drain", right, drain); code != 202 || two.drained.Load() != 1 || one.drained.Load() != 0 {
		t.Errorf("%d %s, %d drains of e2", code, body, two.drained.Load())
	}
	if code, body := one.request("POST", "/status/drain", right, `{"member":"e1-1"}`); code != 202 || one.drained.Load() != 1 {
		t.Errorf("%d %s, %d drains of e1", code, body, one.drained.Load())
	}
	one.SetToken("")
	if code, body := one.request("POST", "/status/drain", right, drain); code != 403 || !strings.Contains(body, "-admin-token") {
		t.Errorf("without a token at all: %d %s", code, body)
	}
	one.server.Close()
	one.end()
	one.end = func() {}
	if log := one.log.String(); strings.Contains(log, right) || strings.Contains(log, "wrong") || !strings.Contains(log, "operation=drain") {
		t.Errorf("the log has %s", log)
	}
}

func TestOrdersWaitForNoQuestion(t *testing.T) {
	w := newWorld(t)
	one, two := w.start("e1", Edge), w.start("e2", Edge)
	searching, release := make(chan struct{}), make(chan struct{})
	two.stuck.Store(&stuck{searching, release})
	if err := one.cfg.NATS.Publish("status.ask", []byte(`{"from":"e9-1","top":1}`)); err != nil {
		t.Fatal(err)
	}
	<-searching
	code, body := one.request("POST", "/status/drain", right, `{"member":"e2-1"}`)
	close(release)
	if code != 202 || two.drained.Load() != 1 {
		t.Errorf("while it searches, it answers %d %s", code, body)
	}
}

func TestSessionsAreSearchedOnceForMany(t *testing.T) {
	searches := 0
	r := NewReporter(ReporterConfig{
		Incarnation: "e1-1", Gatherer: prometheus.NewRegistry(), State: func() State { return State{} },
		Sessions: func(_ context.Context, n int) (busiest, slowest []Session) {
			searches++
			return make([]Session, n), nil
		},
	})
	for _, tc := range []struct{ top, searches int }{{2, 1}, {2, 1}, {1, 1}, {3, 2}, {3, 2}} {
		if got := r.Report(t.Context(), question{Top: tc.top}).Busiest; len(got) != tc.top || searches != tc.searches || got[0].Edge != "e1-1" {
			t.Errorf("of %d, %v after %d searches", tc.top, got, searches)
		}
	}
}

func TestRebalanceAsksAllEdges(t *testing.T) {
	w := newWorld(t)
	one, two := w.start("e1", Edge), w.start("e2", Edge)
	router := w.start("r1", Router)
	code, body := router.request("POST", "/status/rebalance", right, `{}`)
	if code != 202 || !strings.Contains(body, "2 of 2 edges even out now; 14 sessions") || one.evened.Load() != 1 || two.evened.Load() != 1 || router.evened.Load() != 0 {
		t.Errorf("%d %s", code, body)
	}
	if _, body := one.request("POST", "/status/rebalance", right, `{}`); !strings.Contains(body, `"e2":"not twice"`) || !strings.Contains(body, "0 of 2") {
		t.Errorf("what fails is told as %s", body)
	}
	w.join("e3", Edge)
	if _, body := one.request("POST", "/status/rebalance", right, `{}`); !strings.Contains(body, `"e3":"nobody answers there`) {
		t.Errorf("who does not answer is told as %s", body)
	}
}

func TestLogLevelsOfOneAndOfAll(t *testing.T) {
	w := newWorld(t)
	one, two := w.start("e1", Edge), w.start("r1", Router)
	for _, tc := range []struct {
		body, token string
		code        int
		says        string
		is          [2]any
	}{
		{`{"level":"debug","for":60}`, right, 202, "2 of 2 members log debug for 1m0s", [2]any{"debug 1m0s true", "debug 1m0s true"}},
		{`{"level":"info","member":"r1-1"}`, right, 202, "1 of 1 members log info", [2]any{"debug 1m0s true", "info 0s true"}},
		{`{"level":"","member":"e1-1"}`, right, 202, "1 of 1 members log as configured", [2]any{" 0s true", "info 0s true"}},
		{`{"level":"loud"}`, right, 202, `"e1":"no such level"`, [2]any{" 0s true", "info 0s true"}},
		{`{"level":"debug","member":"x"}`, right, 404, "no such member", [2]any{" 0s true", "info 0s true"}},
		{`{"level":"debug","for":-1}`, right, 400, "the time is", [2]any{" 0s true", "info 0s true"}},
		{`{"level":"debug","for":1e9}`, right, 400, "the time is", [2]any{" 0s true", "info 0s true"}},
		{`{"level":"debug"}`, "", 401, "admin token", [2]any{" 0s true", "info 0s true"}},
	} {
		code, body := one.request("POST", "/status/log-level", tc.token, tc.body)
		if is := [2]any{one.level.Load(), two.level.Load()}; code != tc.code || !strings.Contains(body, tc.says) || is != tc.is {
			t.Errorf("%s: %d %s, they are %q", tc.body, code, body, is)
		}
	}
}

func TestSearches(t *testing.T) {
	w := newWorld(t)
	one := w.start("r1", Router)
	for _, tc := range []struct {
		path, token string
		code        int
		says        string
	}{
		{"/status/identity?q=ana@example.org", right, 200, `"waiting":{"inbox":2,"log":1}`},
		{"/status/identity?q=ana@example.org", "", 401, "needs the admin token"},
		{"/status/identity?q=away", right, 503, "Redis is away"},
		{"/status/identity?q=%20", right, 400, "search for an identity"},
		{"/status/identity?q=" + strings.Repeat("x", maxSearch+1), right, 400, "search for an identity"},
		{"/status/identity?q=@", right, 400, "no identity"},
	} {
		if code, body := one.request("GET", tc.path, tc.token, ""); code != tc.code || !strings.Contains(body, tc.says) {
			t.Errorf("%s: %d %s", tc.path, code, body)
		}
	}
}

func TestQuestionsToManyComeSeldom(t *testing.T) {
	for members, want := range map[int]time.Duration{1: time.Second, 100: time.Second, 300: 3 * time.Second} {
		if got := interval(members); got != want {
			t.Errorf("%d members are asked every %s", members, got)
		}
	}
}

func TestMetricsAreReadByTheirNames(t *testing.T) {
	registry := prometheus.NewRegistry()
	counter := func(name string, value float64, labels prometheus.Labels) {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, ConstLabels: labels})
		c.Add(value)
		registry.MustRegister(c)
	}
	counter("limegrove_edge_dropped_total", 4, prometheus.Labels{"reason": "rate"})
	counter("limegrove_routing_dropped_total", 6, prometheus.Labels{"reason": "rate"})
	counter("limegrove_poll_busy_seconds_total", 1, prometheus.Labels{"loop": "0"})
	before := reading{}
	r := read(registry, time.Now())
	before.at = r.at.Add(-2 * time.Second)
	var report Report
	r.since(&before, &report)
	if report.Dropped["rate"] != 5 || report.Busy != 0.5 {
		t.Errorf("it is %+v", report)
	}
}

// What a member of a cluster is once its page is watched: 300 members.
func BenchmarkSnapshot(b *testing.B) {
	w := newWorld(b)
	one := w.start("e0", Edge)
	c := &collector{page: one.Page, told: map[string]heard{}, since: map[string]time.Time{}, gone: map[string]Shown{}, left: map[string]time.Time{}, history: map[int64]*Sample{}}
	for i := 1; i < 300; i++ {
		id := fmt.Sprintf("edge-%d", i)
		w.join(id, Edge)
		c.note(Report{Incarnation: id + "-1", Version: "v1.2.3", NATS: "connected", Sessions: 50_000, Busy: 0.3, Busiest: make([]Session, 1), States: map[string]int{"established": 5}})
	}
	b.ReportAllocs()
	for b.Loop() {
		one.publish(c.snapshot(time.Now(), 3*time.Second), nil)
	}
	b.ReportMetric(float64(len(one.newest.Load().masked)), "B/snapshot")
}
