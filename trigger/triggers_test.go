package trigger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"limegrove/edge/dialect/hightemplar"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/room"
)

// patience bounds every wait of these tests; only a very busy machine comes near.
const patience = time.Minute

// board writes down what is published: the room, whether it is wild, and the content.
type board struct {
	mu      sync.Mutex
	refuses error
	all     []string
	more    chan struct{}
}

func newBoard() *board { return &board{more: make(chan struct{}, 10_000)} }

func (b *board) publish(domain string, n room.Name, wild bool, envelope []byte) error {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuses != nil {
		return b.refuses
	}
	b.all = append(b.all, fmt.Sprintf("%s %s %t %s", domain, n, wild, h.Content(envelope)))
	b.more <- struct{}{}
	return nil
}

// wants waits for what is published.
func (b *board) wants(t *testing.T, why string, want ...string) {
	t.Helper()
	for range want {
		select {
		case <-b.more:
		case <-time.After(patience):
			t.Fatalf("%s: nothing more is published after %q", why, b.all)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.all, want) {
		t.Errorf("%s: %q are published, want %q", why, b.all, want)
	}
	b.all = nil
}

func newTriggers(b *board, sides room.Sides) *Triggers {
	return New(Config{Domain: "t.org", Wildcards: sides, Publish: b.publish, Metrics: prometheus.NewRegistry()})
}

func counted(t *testing.T, c prometheus.Metric) int {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return int(m.GetCounter().GetValue() + m.GetGauge().GetValue())
}

func TestTriggersArePublished(t *testing.T) { // H-25, H-41
	b := newBoard()
	body := []byte(`{"rooms":[{"n":"*"},{"n":1},{"n":1}],"data":{"x":[1]}}`)
	if err := newTriggers(b, room.Neither).Take(FromHTTP, body); err != nil {
		t.Error(err)
	}
	b.wants(t, "exact", `t.org ?n="*" false {"x":[1]}`, `t.org ?n=1 false {"x":[1]}`, `t.org ?n=1 false {"x":[1]}`)
	triggers := newTriggers(b, room.Publisher)
	if err := triggers.Take(FromHTTP, body); err != nil {
		t.Error(err)
	}
	b.wants(t, "expand", `t.org ?n="*" true {"x":[1]}`)
	for body, want := range map[string]error{
		`{"rooms":[]}`: hightemplar.ErrNoData, `{"data":5}`: hightemplar.ErrNoRooms, `x`: hightemplar.ErrTrigger,
		`{"rooms":[{"n":1}],"data":"\ud800"}`: hightemplar.ErrTrigger, // half a character, which a client of LIME could not read
	} {
		if err := triggers.Take(FromQueue, []byte(body)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", body, err, want)
		}
	}
	b.refuses = nats.ErrConnectionClosed
	if err := triggers.Take(FromSubject, body); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("got %v", err)
	}
	b.refuses = fmt.Errorf("publish: %w", nats.ErrMaxPayload)
	if err := triggers.Take(FromSubject, body); !errors.Is(err, hightemplar.ErrTrigger) {
		t.Errorf("one that is too long: %v", err)
	}
	if n := triggers.Queued(); n != 4 {
		t.Errorf("%d have come from the queue", n)
	}
	m := triggers.metrics
	if http, amqp, nats := counted(t, m.taken[FromHTTP]), counted(t, m.taken[FromQueue]), counted(t, m.taken[FromSubject]); http != 1 || amqp != 4 || nats != 2 {
		t.Errorf("taken are %d, %d and %d", http, amqp, nats)
	}
	if malformed, broker := counted(t, m.dropped[dropMalformed]), counted(t, m.dropped[dropBroker]); malformed != 5 || broker != 1 {
		t.Errorf("dropped are %d and %d", malformed, broker)
	}
}

func TestTriggersOverHTTP(t *testing.T) { // H-39
	b := newBoard()
	triggers := newTriggers(b, room.Neither)
	for _, row := range []struct {
		method, body string
		status       int
		text         string
	}{
		{"POST", `{"rooms":[{"n":1}],"data":"x"}`, 200, "publish success"},
		{"POST", `{"rooms":[],"data":null}`, 200, "publish success"},
		{"POST", `{"data":"x"}`, 400, "rooms not specified"},
		{"POST", `{"rooms":[{"n":1}]}`, 400, "data not specified"},
		{"POST", `{[{"n":1}],"data":"x"}`, 400, "malformed trigger: it is no JSON object"},
		{"POST", `"` + strings.Repeat("x", maxBody) + `"`, 413, "the trigger is too long\n"},
		{"GET", ``, 405, "a trigger is posted\n"},
	} {
		w := httptest.NewRecorder()
		triggers.ServeHTTP(w, httptest.NewRequest(row.method, "/trigger/", strings.NewReader(row.body)))
		if got := w.Body.String(); w.Code != row.status || got != row.text {
			t.Errorf("%s %.40s: %d %q, want %d %q", row.method, row.body, w.Code, got, row.status, row.text)
		}
	}
	b.wants(t, "the good one", `t.org ?n=1 false "x"`)
	half := httptest.NewRecorder()
	triggers.ServeHTTP(half, httptest.NewRequest(http.MethodPost, "/trigger/", iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(`{}`)))))
	if half.Code != http.StatusBadRequest {
		t.Errorf("what is not whole is answered %d", half.Code)
	}
	b.refuses = nats.ErrConnectionClosed
	w := httptest.NewRecorder()
	triggers.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/trigger/", strings.NewReader(`{"rooms":[{"n":1}],"data":"x"}`)))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("what the broker does not take is answered %d", w.Code)
	}
}

func TestTriggersAreNotTooLong(t *testing.T) {
	b := newBoard()
	triggers := newTriggers(b, room.Neither)
	body := `{"rooms":[{"n":1}],"data":"` + strings.Repeat("x", maxBody) + `"}`
	if err := triggers.Take(FromQueue, []byte(body)); !errors.Is(err, hightemplar.ErrTrigger) || len(b.all) > 0 {
		t.Errorf("got %v, and %d are published", err, len(b.all))
	}
}

func TestTriggersOnASubject(t *testing.T) { // H-40
	s := natstest.New(t)
	b := newBoard()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 2 { // as two routers
		nc := s.Connect()
		running.Go(func() {
			if err := newTriggers(b, room.Neither).TakeFromSubject(ctx, nc, "triggers"); err != nil {
				t.Error(err)
			}
		})
	}
	nc := s.Connect()
	ask := func(body string) string {
		t.Helper()
		deadline := time.Now().Add(patience)
		for {
			answer, err := nc.Request("triggers", []byte(body), patience)
			if errors.Is(err, nats.ErrNoResponders) && time.Now().Before(deadline) {
				continue // they have yet to begin
			}
			if err != nil {
				t.Fatal(err)
			}
			return string(answer.Data)
		}
	}
	var want []string
	for i := range 20 {
		if got := ask(fmt.Sprintf(`{"rooms":[{"n":1}],"data":%d}`, i)); got != "publish success" {
			t.Errorf("it is answered %s", got)
		}
		want = append(want, fmt.Sprintf(`t.org ?n=1 false {"data":%d}`, i))
	}
	if got := ask(`{"data":1}`); got != "rooms not specified" {
		t.Errorf("it is answered %s", got)
	}
	b.wants(t, "each once", want...)
	cancel()
	running.Wait()
}

func TestTriggersThatAreTooManyForASubjectAreCounted(t *testing.T) {
	s := natstest.New(t)
	busy, free := make(chan struct{}), make(chan struct{})
	triggers := New(Config{Domain: "t.org", Metrics: prometheus.NewRegistry(), Publish: func(string, room.Name, bool, []byte) error {
		busy <- struct{}{}
		<-free
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	taker, nc := s.Connect(), s.Connect()
	var running sync.WaitGroup
	running.Go(func() {
		if err := triggers.TakeFromSubject(ctx, taker, "triggers"); err != nil {
			t.Error(err)
		}
	})
	send := func() {
		t.Helper()
		if err := nc.Publish("triggers", []byte(`{"rooms":[{"n":1}],"data":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	flush := func(nc *nats.Conn) {
		t.Helper()
		if err := nc.FlushTimeout(patience); err != nil {
			t.Fatal(err)
		}
	}
	for first := false; !first; { // it has yet to begin
		if _, err := nc.Request("triggers", nil, patience); err == nil {
			first = true
		} else if !errors.Is(err, nats.ErrNoResponders) {
			t.Fatal(err)
		}
	}
	send()
	<-busy
	const lost = 9
	for range subjectBacklog + lost {
		send()
	}
	flush(nc)
	flush(taker) // all have come to it
	close(free)
	for range subjectBacklog {
		<-busy
	}
	cancel()
	running.Wait()
	m := triggers.metrics
	if n, taken := counted(t, m.dropped[dropOverload]), counted(t, m.taken[FromSubject]); n != lost || taken != subjectBacklog+2 {
		t.Errorf("%d are lost and %d taken", n, taken)
	}
}
