package account

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"limegrove/internal/natstest"
	"limegrove/lime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open is Open on a server of the test, with a hasher that costs nothing.
func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	if cfg.JetStream == nil {
		cfg.JetStream = natstest.JetStream(t)
	}
	if cfg.Hasher == nil {
		cfg.Hasher = &countingHasher{}
	}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	ana     = lime.MustParseIdentity("Ana@Example.org")
	anaToo  = lime.MustParseIdentity("ana@EXAMPLE.org")
	rui     = lime.MustParseIdentity("rui@example.org")
	pass    = []byte("s3cret")
	another = []byte("0ther")
)

func create(t testing.TB, s *Store, a Account) {
	t.Helper()
	if err := s.Create(t.Context(), a, pass); err != nil {
		t.Fatal(err)
	}
}

func TestAccountKeepsItsSpellingAndIsFoundUnderAny(t *testing.T) {
	s := open(t, Config{})
	before := time.Now().Truncate(time.Millisecond)
	create(t, s, Account{Identity: ana, Properties: map[string]json.RawMessage{"fullName": json.RawMessage(`"Ana"`)}})

	a, err := s.Get(t.Context(), anaToo)
	if err != nil {
		t.Fatal(err)
	}
	if a.Identity != ana {
		t.Errorf("identity %v, want the spelling %v", a.Identity, ana)
	}
	if a.Created.Before(before) || time.Since(a.Created) < 0 || a.Created.Location() != time.UTC {
		t.Errorf("created %v, want just now in UTC", a.Created)
	}
	if string(a.Properties["fullName"]) != `"Ana"` {
		t.Errorf("properties %s", a.Properties)
	}
}

func TestAccountThatIsNotThere(t *testing.T) {
	s := open(t, Config{})
	if _, err := s.Get(t.Context(), rui); !errors.Is(err, ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	if err := s.Update(t.Context(), rui, nil, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("update: %v", err)
	}
	if err := s.SetPassword(t.Context(), rui, another); !errors.Is(err, ErrNotFound) {
		t.Errorf("set password: %v", err)
	}
	if err := s.Delete(t.Context(), rui); !errors.Is(err, ErrNotFound) {
		t.Errorf("delete: %v", err)
	}
	if have, err := s.HasEach(t.Context(), []lime.Identity{rui, {}, {Name: "rui"}, rui}); err != nil || !slices.Equal(have, make([]bool, 4)) {
		t.Errorf("has each: %v, %v", have, err)
	}
	for _, id := range []lime.Identity{rui, {}, {Name: "rui"}} {
		if has, err := s.Has(t.Context(), id); has || err != nil {
			t.Errorf("has %q: %v, %v", id, has, err)
		}
	}
}

func TestOfTwoWhoWantOneNameOneGetsIt(t *testing.T) {
	s := open(t, Config{})
	for round, name := range []string{"never there", "deleted before"} {
		var wg sync.WaitGroup
		errs := make([]error, 20)
		for i := range errs {
			id := ana
			if i%2 == 1 {
				id = anaToo
			}
			wg.Go(func() { errs[i] = s.Create(t.Context(), Account{Identity: id}, pass) })
		}
		wg.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !errors.Is(err, ErrExists) {
				t.Errorf("%s: %v, want ErrExists", name, err)
			}
		}
		if made != 1 {
			t.Errorf("%s: %d made it, want one", name, made)
		}
		if round == 0 {
			if err := s.Delete(t.Context(), ana); err != nil {
				t.Fatal(err)
			}
			if has, err := s.Has(t.Context(), ana); has || err != nil {
				t.Errorf("deleted: has %v, %v", has, err)
			}
		}
	}
}

func TestWhichOfManyHaveAccounts(t *testing.T) {
	s := open(t, Config{})
	if err := s.Create(t.Context(), Account{Identity: ana}, pass); err != nil {
		t.Fatal(err)
	}
	have, err := s.HasEach(t.Context(), []lime.Identity{rui, anaToo, {}, ana})
	if err != nil || !slices.Equal(have, []bool{false, true, false, true}) {
		t.Errorf("%v have, %v", have, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if have, err := s.HasEach(ctx, []lime.Identity{rui}); err == nil {
		t.Errorf("without an answer %v have", have)
	}
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	s := open(t, Config{})
	create(t, s, Account{Identity: ana})
	names := []string{"city", "culture", "email", "firstName"}
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Go(func() {
			err := s.Update(t.Context(), anaToo, nil, func(a *Account) error {
				p := maps.Clone(a.Properties)
				if p == nil {
					p = map[string]json.RawMessage{}
				}
				p[name] = json.RawMessage(`1`)
				a.Properties = p
				a.Identity = rui // has no effect
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	a, err := s.Get(t.Context(), ana)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(a.Properties)); !slices.Equal(got, names) || a.Identity != ana {
		t.Errorf("%v has %v, want %v", a.Identity, got, names)
	}
	if err := s.Verify(t.Context(), ana, pass); err != nil {
		t.Errorf("the password is another now: %v", err)
	}
}

func TestUpdateThatItsCallerRefusesChangesNothing(t *testing.T) {
	s := open(t, Config{})
	create(t, s, Account{Identity: ana})
	no := errors.New("no")
	if err := s.Update(t.Context(), ana, another, func(*Account) error { return no }); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	if err := s.Verify(t.Context(), ana, pass); err != nil {
		t.Errorf("the password is another now: %v", err)
	}
}

func TestValueIsAsDocumentedAndKeepsWhatItDoesNotKnow(t *testing.T) {
	js := natstest.JetStream(t)
	s := open(t, Config{JetStream: js})
	kv, err := js.KeyValue(t.Context(), Bucket)
	if err != nil {
		t.Fatal(err)
	}
	const stored = `{"created":"2026-01-02T03:04:05.678Z","identity":"Ana@Example.org",` +
		`"later":{"big":12345678901234567890},"passwordHash":"h:s3cret","properties":{"city":"Lagos"}}`
	if _, err := kv.Create(t.Context(), "example=2Eorg.ana", []byte(stored)); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPassword(t.Context(), ana, another); err != nil {
		t.Fatal(err)
	}
	e, err := kv.Get(t.Context(), "example=2Eorg.ana")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(stored, "h:s3cret", "h:0ther", 1); string(e.Value()) != want {
		t.Errorf("stored\n%s\nwant\n%s", e.Value(), want)
	}

	if _, err := kv.PutString(t.Context(), "example=2Eorg.ana", `{"identity":7}`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Has(t.Context(), ana); err == nil || lime.AsReason(err) != nil {
		t.Errorf("a broken value gives %v, want an error of ours", err)
	}
	if err := s.Verify(t.Context(), ana, another); err == nil || lime.AsReason(err) != nil {
		t.Errorf("a broken value gives %v, want an error of ours", err)
	}
}

func TestAccountIsBounded(t *testing.T) {
	s := open(t, Config{})
	for what, password := range map[string][]byte{"empty": {}, "nil": nil, "long": make([]byte, MaxPassword+1)} {
		if err := s.Create(t.Context(), Account{Identity: ana}, password); !errors.Is(err, ErrPassword) {
			t.Errorf("%s password: %v", what, err)
		}
	}
	large := map[string]json.RawMessage{"city": json.RawMessage(`"` + strings.Repeat("x", MaxProperties) + `"`)}
	if err := s.Create(t.Context(), Account{Identity: ana, Properties: large}, pass); !errors.Is(err, ErrProperties) {
		t.Errorf("large: %v", err)
	}
	if err := s.Create(t.Context(), Account{Identity: lime.Identity{Name: "ana"}}, pass); lime.AsReason(err) == nil {
		t.Errorf("no domain: %v", err)
	}
	create(t, s, Account{Identity: ana})
	if err := s.SetPassword(t.Context(), ana, nil); !errors.Is(err, ErrPassword) {
		t.Errorf("no password: %v", err)
	}
	err := s.Update(t.Context(), ana, nil, func(a *Account) error { a.Properties = large; return nil })
	if !errors.Is(err, ErrProperties) {
		t.Errorf("large: %v", err)
	}
}

func TestOpenRefusesWhatCannotBe(t *testing.T) {
	if _, err := Open(t.Context(), Config{}); err == nil {
		t.Error("opened without JetStream")
	}
	js := natstest.JetStream(t)
	for _, replicas := range []int{-1, 6, 3} { // 3 on a server that is alone
		if _, err := Open(t.Context(), Config{JetStream: js, Replicas: replicas}); err == nil {
			t.Errorf("opened with %d replicas", replicas)
		}
	}
	reg := prometheus.NewRegistry()
	open(t, Config{JetStream: js, Metrics: reg})
	if _, err := Open(t.Context(), Config{JetStream: js, Metrics: reg, Hasher: &countingHasher{}}); err == nil {
		t.Error("opened twice with the same metrics")
	}
}

func TestAccountsAreThereForTheNextProcess(t *testing.T) {
	srv := natstest.New(t)
	connect := func() *Store {
		js, err := jetstream.New(srv.Connect())
		if err != nil {
			t.Fatal(err)
		}
		return open(t, Config{JetStream: js})
	}
	create(t, connect(), Account{Identity: ana})
	if err := connect().Verify(t.Context(), ana, pass); err != nil {
		t.Error(err)
	}
}
