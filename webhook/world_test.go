package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"limegrove/event"
	"limegrove/presence"
	"limegrove/routing/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is partitions, places and dead letters in memory, whose time is the test's.
type store struct {
	partitions int

	mu      sync.Mutex
	events  [][]events.Stored
	next    []uint64
	purged  []uint64
	wakes   map[int]func()
	places  map[string]events.Place
	letters []letter
	away    error
	remade  int
	kept    int // how often places were
}

type letter struct{ endpoint, reason, id string }

func newStore(partitions int) *store {
	return &store{
		partitions: partitions, events: make([][]events.Stored, partitions), next: make([]uint64, partitions),
		purged: make([]uint64, partitions), wakes: map[int]func(){}, places: map[string]events.Place{},
	}
}

// add stores an event about somebody, u<n>, in partition n modulo their number.
func (s *store) add(who, n int, more ...func(*events.Stored)) string {
	id := fmt.Sprintf("u%d-%d", who, n)
	e := events.Stored{
		ID: id, Type: event.SessionStarted, Domain: "t", Stored: time.Now(),
		Event: fmt.Appendf(nil, `{"id":%q,"identity":"u%d@t"}`, id, who),
	}
	for _, f := range more {
		f(&e)
	}
	p := who % s.partitions
	s.mu.Lock()
	if s.next[p] == 0 {
		s.next[p] = 1000
	}
	e.Sequence = s.next[p]
	s.next[p]++
	s.events[p] = append(s.events[p], e)
	wake := s.wakes[p]
	s.mu.Unlock()
	if wake != nil {
		wake()
	}
	return id
}

func (s *store) Partitions() int { return s.partitions }

func (s *store) EventsName(int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint("stream", s.remade)
}

func (s *store) Read(_ context.Context, p int, from uint64, most, _ int) (page events.Page, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return page, s.away
	}
	for _, e := range s.events[p] {
		if e.Sequence < from {
			continue
		}
		if len(page.Events) == most {
			page.More = true
			break
		}
		page.Events, page.Through = append(page.Events, e), e.Sequence
	}
	return page, nil
}

func (s *store) Follow(p int, wake func()) (func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakes[p] = wake
	return func() {}, nil
}

func (s *store) PurgeEvents(_ context.Context, p int, upTo uint64) error {
	s.drop(p, upTo)
	return nil
}

// drop removes the first events of a partition.
func (s *store) drop(p int, upTo uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.purged[p] = upTo
	s.events[p] = slices.DeleteFunc(s.events[p], func(e events.Stored) bool { return e.Sequence <= upTo })
}

// left is how many events there are.
func (s *store) left() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range s.events {
		n += len(all)
	}
	return n
}

func (s *store) Place(_ context.Context, p int, endpoint string) (events.Place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.places[fmt.Sprint(p, endpoint)], s.away
}

// Keep is of who has read last, as far as a test with one router needs it.
func (s *store) Keep(ctx context.Context, p int, endpoint string, place events.Place) (events.Place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil || ctx.Err() != nil {
		return place, errors.Join(s.away, ctx.Err())
	}
	key := fmt.Sprint(p, endpoint)
	if before := s.places[key]; place.Stream == before.Stream && place.Next < before.Next {
		return place, events.ErrPlaceLost
	}
	s.kept++
	s.places[key] = place
	return place, nil
}

func (s *store) Places(_ context.Context, p int) (map[string]events.Place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]events.Place{}
	for key, k := range s.places {
		if name, ok := strings.CutPrefix(key, fmt.Sprint(p)); ok {
			all[name] = k
		}
	}
	return all, s.away
}

func (s *store) Bury(_ context.Context, endpoint, reason string, all []events.Stored) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return s.away
	}
	for _, e := range all {
		s.letters = append(s.letters, letter{endpoint, reason, e.ID})
	}
	return nil
}

// dead are the dead letters of an endpoint, with why they are.
func (s *store) dead(endpoint string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, l := range s.letters {
		if l.endpoint == endpoint {
			all = append(all, l.id+"="+l.reason)
		}
	}
	return strings.Join(all, " ")
}

func (s *store) set(away error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// leases are those of Redis.
type leases struct {
	mu     sync.Mutex
	holder map[string]presence.EdgeID
	till   map[string]time.Time
	deny   bool // whoever has one cannot renew it
}

func (l *leases) Hold(_ context.Context, name string, holder presence.EdgeID, ttl time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deny || l.holder[name] != "" && l.holder[name] != holder && time.Now().Before(l.till[name]) {
		return false, nil
	}
	l.holder[name], l.till[name] = holder, time.Now().Add(ttl)
	return true, nil
}

func (l *leases) Release(_ context.Context, name string, holder presence.EdgeID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder[name] == holder {
		delete(l.holder, name)
	}
	return nil
}

// platform is endpoints, in this process, by the hosts of their addresses. It checks
// signatures by itself.
type platform struct {
	t testing.TB

	mu      sync.Mutex
	does    map[string]func(ids []string) (status int, h http.Header, err error)
	got     map[string][]string // ids that were taken
	asked   map[string]int
	atOnce  map[string]int
	most    map[string]int
	batches map[string][]int
	times   map[string][]time.Time
}

const secret = "0123456789abcdef"

var errHangs = errors.New("hangs")

func newPlatform(t testing.TB) *platform {
	return &platform{
		t: t, does: map[string]func([]string) (int, http.Header, error){}, got: map[string][]string{}, asked: map[string]int{},
		atOnce: map[string]int{}, most: map[string]int{}, batches: map[string][]int{}, times: map[string][]time.Time{},
	}
}

// RoundTrip is that of an http.RoundTripper.
func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(r.Header.Get("Limegrove-Timestamp") + "." + string(body)))
	if r.Header.Get("Limegrove-Signature") != "sha256="+hex.EncodeToString(h.Sum(nil)) || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		p.t.Errorf("%s, signed by %v", r.Method, r.Header)
	}
	if at, err := strconv.ParseInt(r.Header.Get("Limegrove-Timestamp"), 10, 64); err != nil || time.Since(time.Unix(at, 0)).Abs() > patience {
		p.t.Errorf("posted at %d, now it is %d: %v", at, time.Now().Unix(), err)
	}
	var posted struct{ Events []struct{ ID string } }
	if err := json.Unmarshal(body, &posted); err != nil || len(posted.Events) == 0 {
		p.t.Errorf("posted %s: %v", body, err)
	}
	ids := make([]string, len(posted.Events))
	for i, e := range posted.Events {
		ids[i] = e.ID
	}
	at := r.URL.Host
	p.mu.Lock()
	p.asked[at]++
	p.times[at] = append(p.times[at], time.Now())
	p.batches[at] = append(p.batches[at], len(ids))
	p.atOnce[at]++
	p.most[at] = max(p.most[at], p.atOnce[at])
	does := p.does[at]
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.atOnce[at]--
	}()
	status, header := http.StatusOK, http.Header{}
	if does != nil {
		status, header, err = does(ids)
	}
	if errors.Is(err, errHangs) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	if status/100 == 2 {
		p.mu.Lock()
		p.got[at] = append(p.got[at], ids...)
		p.mu.Unlock()
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", 2*maxAnswer)))}, nil
}

// says has an endpoint answer everything with a status.
func (p *platform) says(at string, status int) {
	p.do(at, func([]string) (int, http.Header, error) { return status, nil, nil })
}

func (p *platform) do(at string, what func(ids []string) (int, http.Header, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does[at] = what
}

// of are the numbers of the events about somebody that an endpoint has taken, in order.
func (p *platform) of(at string, who int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, id := range p.got[at] {
		if n, ok := strings.CutPrefix(id, fmt.Sprintf("u%d-", who)); ok {
			all = append(all, n)
		}
	}
	return strings.Join(all, " ")
}

func (p *platform) calls(at string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[at]
}

// world is one router with its endpoints.
type world struct {
	*testing.T
	*store
	leases   *leases
	platform *platform
	reg      *prometheus.Registry
	cfg      Config
	stop     func()
}

// playing runs a test in virtual time, beside a router that tells some endpoints.
func playing(t *testing.T, partitions int, endpoints []Endpoint, play func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			T: t, store: newStore(partitions), platform: newPlatform(t),
			leases: &leases{holder: map[string]presence.EdgeID{}, till: map[string]time.Time{}},
		}
		for i := range endpoints {
			e := &endpoints[i]
			e.URL, e.Secret = "http://"+e.Name+"/hook", []byte(secret)
			if e.Events == nil {
				e.Events = []event.Type{event.SessionStarted}
			}
		}
		if err := Check(endpoints, 72*time.Hour); err != nil {
			t.Fatal(err)
		}
		log := logrus.New()
		log.SetOutput(t.Output())
		w.cfg = Config{
			Events: w.store, Places: w.store, DeadLetters: w.store, Leases: w.leases, Endpoints: endpoints,
			Transport: w.platform, Logger: log,
		}
		w.begin("a")
		play(w)
		w.stop()
	})
}

// begin begins a router.
func (w *world) begin(name string) {
	cfg := w.cfg
	w.reg = prometheus.NewRegistry()
	cfg.Router, cfg.Metrics = presence.EdgeID(name), w.reg
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan struct{})
	d := New(cfg)
	go func() {
		defer close(ended)
		d.Run(ctx)
	}()
	w.stop = func() {
		cancel()
		<-ended
	}
	synctest.Wait()
}

func (w *world) want(why, at string, who int, want string) {
	w.Helper()
	if got := w.platform.of(at, who); got != want {
		w.Errorf("%s: %s has taken %q of u%d, want %q", why, at, got, who, want)
	}
}

// metric is the value of a metric with these label values, in the order of their names.
func (w *world) metric(name string, labels ...string) float64 {
	w.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(values, labels) {
				if m.GetGauge() != nil {
					return m.GetGauge().GetValue()
				}
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// numbers are those from 0 up to n.
func numbers(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return strings.Join(all, " ")
}

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d) // virtual
	synctest.Wait()
}
