package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"limegrove/internal/admin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// get asks s for path without a network.
func get(s *admin.Server, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func want(t *testing.T, s *admin.Server, path string, code int, body string) {
	t.Helper()
	w := get(s, path)
	if w.Code != code || !strings.Contains(w.Body.String(), body) {
		t.Errorf("%s: %d %s, want %d with %q", path, w.Code, w.Body, code, body)
	}
}

func TestReadinessSaysWhatFails(t *testing.T) {
	var redis error
	s := admin.New(admin.Config{Checks: map[string]admin.Check{
		"nats":  func(context.Context) error { return nil },
		"redis": func(context.Context) error { return redis },
	}})
	want(t, s, "/readyz", http.StatusOK, `"ready": true`)

	redis = errors.New("connection refused")
	w := get(s, "/readyz")
	var got struct {
		Ready  bool
		Failed map[string]string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	if w.Code != http.StatusServiceUnavailable || got.Ready || len(got.Failed) != 1 || got.Failed["redis"] != "connection refused" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	want(t, s, "/healthz", http.StatusOK, "ok")
}

func TestDrainingIsHealthyButNotReady(t *testing.T) {
	var drain admin.Drain
	s := admin.New(admin.Config{Checks: map[string]admin.Check{"drain": drain.Check}})
	want(t, s, "/readyz", http.StatusOK, "true")
	drain.Start()
	drain.Start()
	want(t, s, "/readyz", http.StatusServiceUnavailable, `"drain": "draining"`)
	want(t, s, "/healthz", http.StatusOK, "ok")
}

func TestSlowChecksShareOneTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		s := admin.New(admin.Config{Checks: map[string]admin.Check{"a": slow, "b": slow}, CheckTimeout: 3 * time.Second})
		begin := time.Now()
		want(t, s, "/readyz", http.StatusServiceUnavailable, "deadline exceeded")
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestMetricsStatusProfilesAndPages(t *testing.T) {
	registry := prometheus.NewRegistry()
	prometheus.WrapRegistererWithPrefix("limegrove_", registry).MustRegister(
		prometheus.NewCounter(prometheus.CounterOpts{Name: "test_total", Help: "A test."}))
	s := admin.New(admin.Config{
		Gatherer: registry,
		Status:   func() any { return map[string]int{"sessions": 3} },
		Pages:    map[string]http.Handler{"GET /status": http.RedirectHandler("/status.json", http.StatusFound)},
	})
	want(t, s, "/metrics", http.StatusOK, "limegrove_test_total 0")
	want(t, s, "/status.json", http.StatusOK, `"sessions": 3`)
	want(t, s, "/status", http.StatusFound, "")
	want(t, s, "/debug/pprof/", http.StatusOK, "goroutine")
	want(t, s, "/debug/pprof/goroutine?debug=1", http.StatusOK, "goroutine profile")
	want(t, s, "/debug/pprof/cmdline", http.StatusOK, "admin.test")
	want(t, s, "/elsewhere", http.StatusNotFound, "")
	want(t, s, "/debug/freeosmemory", http.StatusMethodNotAllowed, "")
}

func TestFreeMemoryIsGivenBack(t *testing.T) {
	released := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapReleased
	}
	const size = 64 << 20
	block := make([]byte, size)
	for i := range block {
		block[i] = 1
	}
	runtime.KeepAlive(block)
	before := released()
	answer := httptest.NewRecorder()
	admin.New(admin.Config{}).Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/debug/freeosmemory", http.NoBody))
	if answer.Code != http.StatusNoContent {
		t.Fatalf("the answer is %d", answer.Code)
	}
	if after := released(); after < before+size/2 {
		t.Errorf("given back before %d, then %d, of %d more", before, after, size)
	}
}

func TestWhatIsNotGivenIsNotThere(t *testing.T) {
	s := admin.New(admin.Config{})
	want(t, s, "/metrics", http.StatusNotFound, "")
	want(t, s, "/status.json", http.StatusNotFound, "")
	want(t, s, "/readyz", http.StatusOK, "true")
	bad := admin.New(admin.Config{Status: func() any { return func() {} }})
	want(t, bad, "/status.json", http.StatusInternalServerError, "")
}

func TestServeEndsWithItsContext(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan struct{})
	s := admin.New(admin.Config{Checks: map[string]admin.Check{
		"slow": func(ctx context.Context) error { close(entered); <-ctx.Done(); return ctx.Err() },
	}, CheckTimeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	asked := make(chan int, 1)
	go func() {
		resp, err := client.Get("http://" + ln.Addr().String() + "/readyz")
		if err != nil {
			asked <- 0
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		asked <- resp.StatusCode
	}()
	<-entered
	cancel()
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	if code := <-asked; code != http.StatusServiceUnavailable {
		t.Errorf("the request under way got %d, want its answer", code)
	}
}

func TestServeTellsWhenTheListenerFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := admin.New(admin.Config{}).Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
