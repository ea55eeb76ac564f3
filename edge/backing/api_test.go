package backing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"limegrove/internal/leaktest"
	"limegrove/internal/outcall"
)

func TestMain(m *testing.M) { os.Exit(leaktest.Run(m)) }

// platform is the server of an API, which writes down what it is asked.
type platform struct {
	mu    sync.Mutex
	asked []string
	seen  http.Header
	does  http.HandlerFunc
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked, p.seen = append(p.asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Cookie")), r.Header.Clone()
	does := p.does
	p.mu.Unlock()
	if does != nil {
		does(w, r)
	}
}

func (p *platform) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

// counted is the worth of a counter or a gauge.
func counted(t *testing.T, c prometheus.Metric) int {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return int(m.GetCounter().GetValue() + m.GetGauge().GetValue())
}

func newAPI(t *testing.T, does http.HandlerFunc, timeout time.Duration) (*platform, *API) {
	t.Helper()
	p := &platform{does: does}
	s := httptest.NewServer(p)
	a := New(Config{URL: s.URL + "/api", Timeout: timeout, Metrics: prometheus.NewRegistry()})
	t.Cleanup(func() {
		a.asked.Close()
		a.told.Close()
		s.Close()
	})
	return p, a
}

func TestTheAPIIsAskedAboutAClient(t *testing.T) { // H-01, H-02
	p, a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Add("Set-Cookie", "a=2")
		_, _ = io.WriteString(w, `{"allowed_rooms":[]}`)
	}, 0)
	headers := http.Header{"Cookie": {"a=1"}}
	status, answer, body, err := a.Bootstrap(t.Context(), headers)
	if err != nil || status != 200 || string(body) != `{"allowed_rooms":[]}` || answer.Get("Set-Cookie") != "a=2" {
		t.Errorf("got %d, %v, %s, %v", status, answer, body, err)
	}
	if want := []string{"GET /api/bootstrap/ a=1"}; !reflect.DeepEqual(p.all(), want) {
		t.Errorf("it is asked %q, want %q", p.all(), want)
	}
	if want := (http.Header{"Cookie": {"a=1"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip"}}); !reflect.DeepEqual(p.seen, want) {
		t.Errorf("it is told %v, want %v", p.seen, want)
	}
	if want := (http.Header{"Cookie": {"a=1"}}); !reflect.DeepEqual(headers, want) {
		t.Errorf("the headers are %v afterwards", headers)
	}
}

func TestAnAPIThatDoesNotAnswer(t *testing.T) { // H-10
	for what, does := range map[string]http.HandlerFunc{
		"502":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"slow":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"cut off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		p, a := newAPI(t, does, 100*time.Millisecond)
		for range 8 {
			if _, _, _, err := a.Bootstrap(t.Context(), nil); err == nil {
				t.Errorf("%s: it has answered", what)
			}
		}
		if n := len(p.all()); n != 5 {
			t.Errorf("%s: it is asked %d times", what, n)
		}
		if failed, open := counted(t, a.metrics.results[resultFailed]), counted(t, a.metrics.results[resultOpen]); failed != 5 || open != 3 {
			t.Errorf("%s: %v have failed, %v were not asked", what, failed, open)
		}
	}
	for _, status := range []int{204, 302, 403, 404, 429, 500} {
		_, a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }, 0)
		for range 8 { // a client that is refused closes the door for nobody
			if got, _, _, err := a.Bootstrap(t.Context(), nil); err != nil || got != status {
				t.Errorf("%d: got %d, %v", status, got, err)
			}
		}
	}
}

func TestWhoseAnswerIsTooLongClosesTheDoorForNobody(t *testing.T) {
	p, a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat(" ", maxAnswer+1))
	}, 0)
	for range 8 {
		if _, _, _, err := a.Bootstrap(t.Context(), nil); !errors.Is(err, outcall.ErrTooLong) {
			t.Errorf("got %v", err)
		}
	}
	if failed := counted(t, a.metrics.results[resultFailed]); failed != 8 || len(p.all()) != 8 {
		t.Errorf("%d have failed, of %d", failed, len(p.all()))
	}
}

func TestAnAPIThatIsNoGoodShowsInTheLog(t *testing.T) {
	for what, happens := range map[string]func(*API){
		"it does not answer": func(a *API) { _, _, _, _ = a.Bootstrap(t.Context(), http.Header{"Cookie": {"secret=1"}}) },
		"it answers nothing": func(a *API) { a.Unreadable(errors.New("no JSON")) },
	} {
		_, a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, 0)
		log, lines := test.NewNullLogger()
		a.trouble.Logger = log
		for range 10 {
			happens(a)
		}
		if all := lines.AllEntries(); len(all) != 1 || all[0].Level != logrus.WarnLevel || strings.Contains(fmt.Sprint(all[0].Data), "secret") {
			t.Errorf("%s: the log has %v", what, all)
		}
	}
	_, a := newAPI(t, nil, 0)
	if a.Unreadable(errors.New("no JSON")); counted(t, a.metrics.results[resultUnreadable]) != 1 {
		t.Error("it is not counted")
	}
}

func TestAClientThatPingsWithoutEndLeavesRoomForOthers(t *testing.T) { // H-42
	p, a := newAPI(t, nil, 0)
	for range 2 * laneLength {
		a.Notify("c", "user/notify_online/", nil)
	}
	a.Notify("c", "user/notify_offline/", nil)
	run(a)()
	if want := []string{"POST /api/user/notify_online/ ", "POST /api/user/notify_offline/ "}; !reflect.DeepEqual(p.all(), want) {
		t.Errorf("it is told %q, want %q", p.all(), want)
	}
	if n := counted(t, a.metrics.dropped[dropQueueFull]); n != 0 {
		t.Errorf("%d did not fit", n)
	}
}

// run runs an API until the test has it end.
func run(a *API) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func TestTheAPIIsToldInOrder(t *testing.T) { // H-42
	p, a := newAPI(t, nil, 0)
	end := run(a)
	var want []string
	for i := range 20 {
		path := fmt.Sprint("user/", i)
		a.Notify("c", path, http.Header{"Cookie": {"a=1"}})
		want = append(want, "POST /api/"+path+" a=1")
	}
	end() // what was said before is told
	if !reflect.DeepEqual(p.all(), want) {
		t.Errorf("it is told %q, want %q", p.all(), want)
	}
	if told, waiting := counted(t, a.metrics.told), counted(t, a.metrics.waiting); told != 20 || waiting != 0 {
		t.Errorf("%v are told, %v wait", told, waiting)
	}
}

func TestWhatTheAPIDoesNotTakeIsDropped(t *testing.T) {
	_, a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, 0)
	for i := range laneLength + 3 {
		a.Notify("c", fmt.Sprint(i), nil)
	}
	run(a)()
	full, failed, open := counted(t, a.metrics.dropped[dropQueueFull]), counted(t, a.metrics.dropped[dropFailed]), counted(t, a.metrics.dropped[dropLeftAlone])
	if full != 3 || failed != 5 || open != laneLength-5 {
		t.Errorf("dropped are %v that did not fit, %v that failed, and %v that nobody was told", full, failed, open)
	}
}
