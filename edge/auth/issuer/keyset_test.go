package issuer

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// published is an issuer's address, in this process.
type published struct {
	mu     sync.Mutex
	keys   []jose.JSONWebKey
	status int
	body   string // instead of the keys
	err    error
	asked  int
	gate   chan struct{} // when not nil, answers wait for it
}

// RoundTrip is that of an http.RoundTripper.
func (p *published) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.asked++
	gate := p.gate
	p.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, p.err
	}
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: p.keys})
	if p.body != "" {
		text = []byte(p.body)
	}
	status := p.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader(string(text)))}, err
}

func (p *published) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

func (p *published) wantAsked(t *testing.T, what string, want int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked != want {
		t.Errorf("%s: asked %d times, want %d", what, p.asked, want)
	}
}

func fetching(t *testing.T, p *published) *Issuers {
	t.Helper()
	return static(t, &owner{}, Config{JWKS: "https://idp.example.net/keys", Client: &http.Client{Transport: p}})
}

func TestKeysAreFetchedWhenTheyAreNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newIDP(t), idp{t, rsaKeys()[1], "k2"}
		p := &published{keys: []jose.JSONWebKey{first.public()}}
		s := fetching(t, p)
		try := func(what string, by idp, want auth.Outcome) {
			t.Helper()
			if _, err := login(s, "ana@example.org", by.token(nil), name); auth.OutcomeOf(err) != want {
				t.Errorf("%s: %v, want %s", what, err, want)
			}
		}
		p.wantAsked(t, "at the start", 0)
		for range 3 {
			try("a known key", first, auth.OutcomeGranted)
		}
		p.wantAsked(t, "three logins", 1)

		time.Sleep(fetchPause)
		p.change(func() { p.keys = append(p.keys, second.public()) })
		try("a new key", second, auth.OutcomeGranted)
		p.wantAsked(t, "for the new one", 2)

		for range 100 {
			try("a made-up key", idp{t, rsaKeys()[1], "k3"}, auth.OutcomeSigner)
		}
		p.wantAsked(t, "made-up keys ask no more than now and then", 2)
		time.Sleep(fetchPause)
		for range 100 {
			try("a made-up key", idp{t, rsaKeys()[1], "k3"}, auth.OutcomeSigner)
		}
		p.wantAsked(t, "and then", 3)

		p.change(func() { p.keys = p.keys[1:] })
		try("a key that is gone counts until the next look", first, auth.OutcomeGranted)
		time.Sleep(freshFor)
		try("and no more then", first, auth.OutcomeSigner)
		p.wantAsked(t, "after an hour", 4)

		p.change(func() { p.err = errors.New("away") })
		time.Sleep(2 * freshFor)
		try("an issuer that is away revokes nothing", second, auth.OutcomeGranted)
		if _, err := login(s, "ana@example.org", first.token(nil), name); !errors.Is(err, errNoKeys) || lime.AsReason(err) != nil {
			t.Errorf("a key that it may have now is refused as if it had not: %v", err)
		}
	})
}

func TestIssuerThatDoesNotAnswerIsNotTheClientsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ok := newIDP(t)
		p := &published{}
		s := fetching(t, p)
		for what, change := range map[string]func(){
			"away":       func() { p.err = errors.New("away") },
			"500":        func() { p.status = http.StatusInternalServerError },
			"elsewhere":  func() { p.status = http.StatusFound },
			"garbage":    func() { p.body = "<html>" },
			"no key":     func() { p.body = `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}` },
			"too much":   func() { p.body = `{"keys":[],"x":"` + strings.Repeat("x", maxKeySet) + `"}` },
			"no keys so": func() { p.body = `[]` },
		} {
			p.change(func() { p.err, p.status, p.body = nil, 0, ""; change() })
			time.Sleep(fetchPause)
			_, err := login(s, "ana@example.org", ok.token(nil), name)
			if !errors.Is(err, errNoKeys) || lime.AsReason(err) != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		p.change(func() { p.err, p.status, p.body, p.keys = nil, 0, "", []jose.JSONWebKey{ok.public()} })
		if _, err := login(s, "ana@example.org", ok.token(nil), name); !errors.Is(err, errNoKeys) {
			t.Errorf("a moment after a failure it is not asked again: %v", err)
		}
		time.Sleep(fetchPause)
		if _, err := login(s, "ana@example.org", ok.token(nil), name); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}

func TestWhatIsFetchedEndsWithTheIssuers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &published{gate: make(chan struct{})} // never answers
		s := fetching(t, p)
		began := time.Now()
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := login(s, "ana@example.org", newIDP(t).token(nil), name); !errors.Is(err, errNoKeys) {
				t.Errorf("a login meanwhile: %v", err)
			}
		})
		synctest.Wait()
		s.Close()
		asking.Wait()
		if time.Since(began) != 0 {
			t.Errorf("the end takes %s", time.Since(began))
		}
		s.Close()
		time.Sleep(fetchPause)
		if _, err := login(s, "ana@example.org", newIDP(t).token(nil), name); !errors.Is(err, errNoKeys) {
			t.Errorf("a login after the end: %v", err)
		}
		p.wantAsked(t, "nothing after the end", 1)
	})
}

func TestLoginsAtOnceFetchOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ok := newIDP(t)
		p := &published{keys: []jose.JSONWebKey{ok.public()}, gate: make(chan struct{})}
		s := fetching(t, p)
		token := ok.token(nil)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := login(s, "ana@example.org", token, name); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(p.gate)
		all.Wait()
		p.wantAsked(t, "twenty logins", 1)
	})
}

// Made-up key ids, and an issuer that leaves the question open, hold up nobody.
func TestLoginsDoNotWaitLongForASlowIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newIDP(t), idp{t, rsaKeys()[1], "k2"}
		p := &published{keys: []jose.JSONWebKey{first.public()}}
		s := fetching(t, p)
		try := func(what string, by idp, within time.Duration, want error) {
			t.Helper()
			began := time.Now()
			_, err := login(s, "ana@example.org", by.token(nil), name)
			if !errors.Is(err, want) {
				t.Errorf("%s: %v", what, err)
			}
			if took := time.Since(began); took != within {
				t.Errorf("%s: after %v", what, took)
			}
		}
		try("the first", first, 0, nil)

		gate := make(chan struct{})
		p.change(func() { p.gate, p.keys = gate, []jose.JSONWebKey{second.public()} })
		time.Sleep(freshFor)
		try("old keys count when new ones take long", first, fetchWait, nil)
		try("and at once for those behind", first, 0, nil)
		try("others have waited enough", second, 0, errNoKeys)
		try("that nobody has made", idp{t, rsaKeys()[1], "k3"}, 0, errNoKeys)
		close(gate)
		synctest.Wait()
		try("and then there is the new key", second, 0, nil)
		p.wantAsked(t, "all of that", 2)

		gate = make(chan struct{})
		p.change(func() { p.gate = gate })
		time.Sleep(fetchPause)
		try("who wants a key that is not there waits", idp{t, rsaKeys()[1], "k3"}, fetchWait, errNoKeys)
		for range 100 {
			try("once", idp{t, rsaKeys()[1], "k4"}, 0, errNoKeys)
			try("others do not", second, 0, nil)
		}
		close(gate)
		synctest.Wait()
	})
}
