package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/alexedwards/argon2id"
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/lime"
)

// countingHasher hashes "x" to "h:x" and keeps what it was asked to compare.
type countingHasher struct {
	mu       sync.Mutex
	compared []string // hashes
}

func (h *countingHasher) Hash(password []byte) (string, error) { return "h:" + string(password), nil }

func (h *countingHasher) Matches(password []byte, hash string) (bool, error) {
	h.mu.Lock()
	h.compared = append(h.compared, hash)
	h.mu.Unlock()
	if !strings.HasPrefix(hash, "h:") {
		return false, fmt.Errorf("bad hash %s", hash)
	}
	return hash == "h:"+string(password), nil
}

// work returns what was compared since the last call.
func (h *countingHasher) work() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.compared
	h.compared = nil
	return w
}

func TestUnknownNameAndWrongPasswordCannotBeToldApart(t *testing.T) { // L-SES-16
	h := &countingHasher{}
	s := open(t, Config{Hasher: h})
	create(t, s, Account{Identity: ana})

	if err := s.Verify(t.Context(), anaToo, pass); err != nil {
		t.Fatalf("the right password: %v", err)
	}
	if got := h.work(); !slices.Equal(got, []string{"h:s3cret"}) {
		t.Errorf("compared with %v", got)
	}
	texts := map[string]bool{}
	for what, try := range map[string]struct {
		id       lime.Identity
		password []byte
	}{
		"wrong password":      {ana, another},
		"empty password":      {ana, nil},
		"endless password":    {ana, make([]byte, 1<<20)},
		"unknown name":        {rui, pass},
		"unknown, no pass":    {rui, nil},
		"impossible identity": {lime.Identity{Name: strings.Repeat("ü", 1023), Domain: "x"}, pass},
	} {
		err := s.Verify(t.Context(), try.id, try.password)
		if !errors.Is(err, ErrCredentials) {
			t.Errorf("%s: %v, want ErrCredentials", what, err)
		}
		texts[lime.AsReason(err).Error()] = true
		if n := len(h.work()); n != 1 {
			t.Errorf("%s: %d hashes were made, want one as for the right password", what, n)
		}
	}
	if len(texts) != 1 {
		t.Errorf("the client sees %d texts: %v", len(texts), texts)
	}
}

func TestUnknownNameCostsAHashOfTheSameParameters(t *testing.T) {
	s := open(t, Config{Hasher: argon2{}})
	create(t, s, Account{Identity: ana})
	r, err := s.read(t.Context(), ana)
	if err != nil {
		t.Fatal(err)
	}
	for what, hash := range map[string]string{"an account's": r.hash, "nobody's": s.nobody} {
		got, _, _, err := argon2id.DecodeHash(hash)
		if err != nil {
			t.Fatal(err)
		}
		if *got != params {
			t.Errorf("%s hash is made with %+v, want %+v", what, *got, params)
		}
	}
	if err := s.Verify(t.Context(), ana, pass); err != nil {
		t.Error(err)
	}
	if err := s.Verify(t.Context(), ana, another); !errors.Is(err, ErrCredentials) {
		t.Error(err)
	}
}

func TestFullQueueRefusesAtOnceAndRecovers(t *testing.T) {
	h := &countingHasher{}
	reg := prometheus.NewRegistry()
	s := open(t, Config{Hasher: h, Workers: 1, Queue: 1, Metrics: reg})
	create(t, s, Account{Identity: ana})

	for range 2 { // one at work and one that waits
		if err := s.pool.enter(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Verify(t.Context(), ana, pass); !errors.Is(err, ErrBusy) {
		t.Errorf("one more: %v, want ErrBusy", err)
	}
	if err := s.SetPassword(t.Context(), ana, another); !errors.Is(err, ErrBusy) {
		t.Errorf("a new password: %v, want ErrBusy", err)
	}
	if n := len(h.work()); n != 0 {
		t.Errorf("%d hashes were made for those who were refused", n)
	}
	wantMetric(t, reg, "limegrove_account_hashing", "", 2)

	s.pool.leave()
	if err := s.Verify(t.Context(), ana, pass); err != nil {
		t.Errorf("with a place left: %v", err)
	}
	wantMetric(t, reg, "limegrove_account_hashing", "", 1)
	wantMetric(t, reg, "limegrove_account_verifications_total", resultAccepted, 1)
	wantMetric(t, reg, "limegrove_account_verifications_total", resultBusy, 1)
	wantMetric(t, reg, "limegrove_account_verifications_total", resultRefused, 0)
}

func TestEveryEndOfACheckIsCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := open(t, Config{Metrics: reg})
	_ = s.Verify(t.Context(), ana, pass)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_ = s.Verify(gone, ana, pass)
	s.hasher = failingHasher{}
	_ = s.Verify(t.Context(), ana, pass)
	for _, r := range []result{resultRefused, resultCanceled, resultError} {
		wantMetric(t, reg, "limegrove_account_verifications_total", r, 1)
	}
}

// wantMetric fails the test unless the metric, with that label if any, has the
// value.
func wantMetric(t *testing.T, reg *prometheus.Registry, name string, label result, want float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != name || label != "" && m.GetLabel()[0].GetValue() != string(label) {
				continue
			}
			if got := m.GetCounter().GetValue() + m.GetGauge().GetValue(); got != want {
				t.Errorf("%s %s is %v, want %v", name, label, got, want)
			}
			return
		}
	}
	t.Errorf("no metric %s %s", name, label)
}

func TestWhoGoesAwayWhileWaitingIsNotHashedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, 5)
		hold := make(chan struct{})
		go func() { _ = p.do(t.Context(), func() error { <-hold; return nil }) }()
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			result <- p.do(ctx, func() error { t.Error("hashed for nobody"); return nil })
		}()
		synctest.Wait()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(hold)
		synctest.Wait()
		if err := p.do(ctx, func() error { t.Error("hashed for nobody"); return nil }); err == nil {
			t.Error("worked for a context that is done")
		}
	})
}

func TestPoolIsAsLargeAsAsked(t *testing.T) {
	for _, c := range []struct{ workers, queue, wantPlaces int }{{2, 3, 5}, {2, 0, 66}, {2, -1, 2}} {
		if got := cap(newPool(c.workers, c.queue).places); got != c.wantPlaces {
			t.Errorf("%d workers, queue %d: %d places, want %d", c.workers, c.queue, got, c.wantPlaces)
		}
	}
}

func TestNeitherPasswordNorHashIsInAnError(t *testing.T) { // L-SES-34
	js := open(t, Config{})
	create(t, js, Account{Identity: ana})
	js.hasher = failingHasher{}
	for _, err := range []error{
		js.Verify(t.Context(), ana, pass),
		js.Verify(t.Context(), rui, pass),
		js.Create(t.Context(), Account{Identity: rui}, pass),
		js.SetPassword(t.Context(), ana, pass),
	} {
		if err == nil || strings.Contains(err.Error(), string(pass)) {
			t.Errorf("got %v, want an error without the password", err)
		}
		if lime.AsReason(err) != nil {
			t.Errorf("%v goes to the client, want an error of ours", err)
		}
	}
	if a, err := js.Get(t.Context(), ana); err != nil || strings.Contains(fmt.Sprintf("%+v %#v", a, a), string(pass)) {
		t.Errorf("an account prints as %+v, %v", a, err)
	}
}

// failingHasher breaks, and talks about it.
type failingHasher struct{}

func (failingHasher) Hash(p []byte) (string, error) { return "", fmt.Errorf("hash %q: broken", p) }
func (failingHasher) Matches(p []byte, hash string) (bool, error) {
	return false, fmt.Errorf("compare %q with %q: broken", p, hash)
}

// BenchmarkVerify shows that the three cases take the same time.
func BenchmarkVerify(b *testing.B) {
	s := open(b, Config{Hasher: argon2{}})
	create(b, s, Account{Identity: ana})
	for _, c := range []struct {
		name     string
		id       lime.Identity
		password []byte
	}{{"right", ana, pass}, {"wrong", ana, another}, {"unknown", rui, another}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				_ = s.Verify(b.Context(), c.id, c.password)
			}
		})
	}
}
