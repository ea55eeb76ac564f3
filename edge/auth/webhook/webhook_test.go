package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"limegrove/edge/auth"
	"limegrove/internal/outcall"
	"limegrove/lime"
	"limegrove/room"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// api is the platform's, in this process.
type api struct {
	mu     sync.Mutex
	asked  []*http.Request
	bodies []string
	answer func(body string) (status int, text string, err error)
	hangs  bool // until the request is given up
	gate   chan struct{}
}

// RoundTrip is that of an http.RoundTripper.
func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.asked, a.bodies = append(a.asked, r), append(a.bodies, string(body))
	answer, hangs, gate := a.answer, a.hangs, a.gate
	a.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if gate != nil {
		<-gate
	}
	status, text, err := answer(string(body))
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(text)), Header: http.Header{}}, nil
}

func (a *api) says(status int, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hangs, a.answer = false, func(string) (int, string, error) { return status, text, nil }
}

func (a *api) times() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

// owner notes whose accounts are made.
type owner struct {
	mu   sync.Mutex
	made []string
	err  error
}

func (o *owner) Own(_ context.Context, login lime.Node, _ bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.made = append(o.made, login.Identity.String())
	return o.err
}

type world struct {
	*Webhook
	t     testing.TB
	api   *api
	owner *owner
}

func newWorld(t testing.TB, cfg Config) *world {
	t.Helper()
	w := &world{t: t, api: &api{}, owner: &owner{}}
	w.api.says(http.StatusOK, `{"granted":true}`)
	cfg.URL, cfg.Transport, cfg.Owners = "https://platform.example/login?x=1", w.api, w.owner
	cfg.Serves = func(d string) bool { return strings.EqualFold(d, "example.org") }
	var err error
	if w.Webhook, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return w
}

const secretWord = "s3cret-t0ken"

func (w *world) login(node, token string) (auth.Grant, error) {
	r := auth.Request{
		Scheme: auth.SchemeExternal, Node: lime.MustParseNode(node), Credentials: fmt.Appendf(nil, `{"token":%q}`, token),
		Remote:  netip.MustParseAddrPort("192.0.2.7:4711"),
		Upgrade: &auth.Upgrade{Headers: map[string][]string{"X-Tenant": {"blue"}}, Cookies: map[string]string{"sid": "c00kie"}},
	}
	g, err := w.Authenticate(context.Background(), r)
	if len(bytes.Trim(r.Credentials, "\x00")) > 0 {
		w.t.Errorf("the credentials are still in memory: %s", r.Credentials)
	}
	if err != nil && (strings.Contains(err.Error(), secretWord) || strings.Contains(err.Error(), "c00kie")) { // L-SES-34
		w.t.Errorf("the error has a secret: %v", err)
	}
	return g, err
}

func (w *world) want(what, token string, outcome auth.Outcome) {
	w.t.Helper()
	if _, err := w.login("ana@example.org/1", token); auth.OutcomeOf(err) != outcome {
		w.t.Errorf("%s: %v, want %s", what, err, outcome)
	}
}

func TestPlatformDecides(t *testing.T) { // L-SES-15
	secret := []byte("0123456789abcdef")
	w := newWorld(t, Config{Secret: secret})
	w.api.says(http.StatusOK, `{"granted":true,"expires":"2030-01-02T03:04:05Z","role":"rootAuthority","more":[1]}`)
	g, err := w.login("Ana@example.org/home", secretWord)
	want := auth.Grant{Identity: lime.MustParseIdentity("Ana@example.org"), Role: lime.RoleMember, Expires: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	if err != nil || !reflect.DeepEqual(g, want) {
		t.Errorf("%+v, %v, want %+v", g, err, want)
	}
	const asked = `{"scheme":"external","identity":"Ana@example.org","instance":"home","authentication":{"token":"` + secretWord + `"},` +
		`"remote":"192.0.2.7:4711","headers":{"X-Tenant":["blue"]},"cookies":{"sid":"c00kie"}}`
	if w.api.bodies[0] != asked {
		t.Errorf("asked\n%s, want\n%s", w.api.bodies[0], asked)
	}
	r := w.api.asked[0]
	if r.Method != http.MethodPost || r.URL.String() != "https://platform.example/login?x=1" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("asked by %s %s %v", r.Method, r.URL, r.Header)
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(r.Header.Get("Limegrove-Timestamp") + "." + asked))
	if r.Header.Get("Limegrove-Signature") != "sha256="+hex.EncodeToString(h.Sum(nil)) {
		t.Errorf("signed by %q", r.Header.Get("Limegrove-Signature"))
	}
	if len(w.owner.made) != 1 || w.owner.made[0] != "Ana@example.org" {
		t.Errorf("accounts for %v", w.owner.made)
	}

	w.api.says(http.StatusOK, `{"granted":true,"identity":"u-7@Example.ORG"}`)
	if g, err = w.login("ana@example.org", "x"); err != nil || g.Identity != lime.MustParseIdentity("u-7@Example.ORG") {
		t.Errorf("another identity: %+v, %v", g, err)
	}
	for _, id := range []string{"ana@elsewhere.example", "postmaster@example.org"} {
		w.api.says(http.StatusOK, `{"granted":true,"identity":"`+id+`"}`)
		w.want("as "+id, "x", auth.OutcomeFault)
	}
	w.api.says(http.StatusOK, `{"granted":true}`)
	w.owner.err = errors.New("the store is away")
	w.want("without a store", "x", auth.OutcomeFault)
}

func TestPlatformSaysWhatMayBeDoneWithRooms(t *testing.T) {
	w := newWorld(t, Config{})
	w.api.says(http.StatusOK, `{"granted":true,"ttl":60,"rooms":[{"room":"/ride/42","may":["enter","publish"]},{"room":{"of":"{name}"},"may":["enter"]}]}`)
	want := room.Rules{
		{Room: "/ride/42", Who: room.Everyone, May: room.Enter | room.Publish}, {Room: `?of="{name}"`, Who: room.Everyone, May: room.Enter},
	}
	for _, how := range []string{"asked", "remembered"} {
		if g, err := w.login("ana@example.org", "x"); err != nil || !reflect.DeepEqual(g.Rooms, want) {
			t.Errorf("%s: %+v, %v", how, g, err)
		}
	}
	if n := w.api.times(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	w.api.says(http.StatusOK, `{"granted":true,"rooms":null}`)
	if g, err := w.login("ana@example.org", "y"); err != nil || len(g.Rooms) != 0 {
		t.Errorf("none: %+v, %v", g, err)
	}
}

func TestPlatformRefuses(t *testing.T) { // L-SES-15
	w := newWorld(t, Config{})
	for _, row := range []struct {
		status       int
		text, reason string
	}{
		{http.StatusOK, `{"granted":false}`, "The credentials were not accepted"},
		{http.StatusOK, `{}`, "The credentials were not accepted"},
		{http.StatusOK, `{"granted":false,"ttl":600,"reason":{"code":1,"description":"Your trial is over"}}`, "Your trial is over"},
		{http.StatusOK, `{"reason":{"description":"` + strings.Repeat("x", 1000) + `"}}`, strings.Repeat("x", maxWords)},
		{http.StatusOK, `{"reason":{"description":"` + strings.Repeat("x", maxWords-2) + `あ"}}`, strings.Repeat("x", maxWords-2)},
		{http.StatusOK, `{"reason":{"description":"` + strings.Repeat("ü", maxWords/2) + `"}}`, strings.Repeat("ü", maxWords/2)},
		{http.StatusUnauthorized, `<html>`, "The credentials were not accepted"},
		{http.StatusForbidden, ``, "The credentials were not accepted"},
		{http.StatusBadRequest, `{"granted":true}`, "The credentials were not accepted"},
		{http.StatusNotFound, `{"reason":{"description":"no such user"}}`, "The credentials were not accepted"},
		{http.StatusUnprocessableEntity, strings.Repeat("x", 2*maxAnswer), "The credentials were not accepted"},
	} {
		before := w.api.times()
		w.api.says(row.status, row.text)
		for range 10 { // refusals are not remembered, and do not open the breaker
			_, err := w.login("ana@example.org", secretWord)
			why := lime.AsReason(err)
			if why == nil || why.Code != lime.CodeSessionAuthenticationFailed || why.Description != row.reason {
				t.Errorf("%d %s: %v", row.status, row.text, err)
			}
		}
		if got := w.api.times() - before; got != 10 {
			t.Errorf("%d %s: asked %d times", row.status, row.text, got)
		}
	}
	if len(w.owner.made) != 0 {
		t.Errorf("accounts for %v", w.owner.made)
	}
}

func TestPlatformWithTooMuchToDoIsAskedAgain(t *testing.T) {
	w := newWorld(t, Config{})
	w.api.says(http.StatusTooManyRequests, `{"granted":true}`)
	for range 10 { // which is no failure
		if _, err := w.login("ana@example.org", secretWord); !errors.Is(err, ErrBusy) {
			t.Errorf("%v", err)
		}
	}
	w.api.says(http.StatusOK, `{"granted":true}`)
	w.want("and then", "x", auth.OutcomeGranted)
}

// A transport that has the answer before it has sent the whole question.
func TestQuestionIsWholeWhenItIsSentLate(t *testing.T) {
	late := make(chan string)
	w := newWorld(t, Config{})
	w.calls = outcall.New(outcall.Config{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		go func() {
			r := r.Body
			<-late
			body, err := io.ReadAll(r)
			if err != nil {
				t.Error(err)
			}
			late <- string(body)
		}()
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"granted":true}`)), Header: http.Header{}}, nil
	})})
	w.want("it is granted", secretWord, auth.OutcomeGranted)
	late <- ""
	if body := <-late; !strings.Contains(body, secretWord) {
		t.Errorf("sent %q", body)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func TestPlatformFailsAndIsLeftAloneForAMoment(t *testing.T) {
	for what, fails := range map[string]func(*api){
		"408":      func(a *api) { a.says(http.StatusRequestTimeout, ``) },
		"500":      func(a *api) { a.says(http.StatusInternalServerError, `{"granted":true}`) },
		"moved":    func(a *api) { a.says(http.StatusFound, `{"granted":true}`) },
		"garbage":  func(a *api) { a.says(http.StatusOK, `<html>`) },
		"an array": func(a *api) { a.says(http.StatusOK, `[true]`) },
		"a number": func(a *api) { a.says(http.StatusOK, `{"granted":1}`) },
		"no rooms": func(a *api) { a.says(http.StatusOK, `{"granted":true,"rooms":{"room":"/x","may":["enter"]}}`) },
		"no rule":  func(a *api) { a.says(http.StatusOK, `{"granted":true,"rooms":[{"room":"/x","may":["own"]}]}`) },
		"too many": func(a *api) {
			a.says(http.StatusOK, `{"granted":true,"rooms":[`+strings.Repeat(`{"room":"/x","may":["enter"]},`, room.MaxGrants)+`{"room":"/x","may":["enter"]}]}`)
		},
		"endless": func(a *api) { a.says(http.StatusOK, `{"granted":true,"x":"`+strings.Repeat("x", maxAnswer)+`"}`) },
		"silent":  func(a *api) { a.hangs = true },
		"unreachable": func(a *api) {
			a.answer = func(string) (int, string, error) { return 0, "", errors.New("connection refused") }
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reg := prometheus.NewRegistry()
				w := newWorld(t, Config{Metrics: reg, Timeout: time.Second})
				fails(w.api)
				for range 5 {
					began := time.Now()
					w.want("it fails", secretWord, auth.OutcomeFault)
					if took := time.Since(began); took > time.Second {
						t.Errorf("it takes %v", took)
					}
				}
				before := w.api.times()
				for range 100 {
					w.want("left alone", secretWord, auth.OutcomeFault)
				}
				if got := w.api.times(); got != before {
					t.Errorf("asked %d times while it is left alone", got-before)
				}
				if open := gauge(t, reg, "limegrove_router_webhook_open"); open != 1 {
					t.Errorf("the metric says %v", open)
				}
				time.Sleep(6 * time.Second)
				w.want("one tries, and fails", secretWord, auth.OutcomeFault)
				w.want("left alone again", secretWord, auth.OutcomeFault)
				if got := w.api.times(); got != before+1 {
					t.Errorf("asked %d times, want one that tries", got-before)
				}
				time.Sleep(6 * time.Second)
				w.api.says(http.StatusOK, `{"granted":true}`)
				w.want("one tries", "a", auth.OutcomeGranted)
				w.want("and all go on", "b", auth.OutcomeGranted)
				if open := gauge(t, reg, "limegrove_router_webhook_open"); open != 0 {
					t.Errorf("the metric says %v", open)
				}
			})
		})
	}
}

func gauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue()
		}
	}
	t.Fatalf("no %s", name)
	return 0
}

func TestClientsThatLeaveAreNoFailureOfThePlatform(t *testing.T) {
	w := newWorld(t, Config{})
	w.api.hangs = true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		_, err := w.Authenticate(ctx, auth.Request{Node: lime.MustParseNode("ana@example.org")})
		if auth.OutcomeOf(err) != auth.OutcomeFault {
			t.Errorf("%v", err)
		}
	}
	w.api.says(http.StatusOK, `{"granted":true}`)
	w.want("others", "x", auth.OutcomeGranted)
}

func TestSoManyAtOnceAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{Requests: 3})
		w.api.gate = make(chan struct{})
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() { w.want("under way", fmt.Sprint(i), auth.OutcomeGranted) })
		}
		synctest.Wait()
		if _, err := w.login("ana@example.org", "one more"); !errors.Is(err, ErrBusy) {
			t.Errorf("one more: %v", err)
		}
		close(w.api.gate)
		all.Wait()
		w.want("and then", "x", auth.OutcomeGranted)
	})
}

func TestGrantsAreRememberedAsLongAsThePlatformSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		grants := func(text string) { w.api.says(http.StatusOK, text) }
		asks := func(what, node, token string, want int) {
			t.Helper()
			before := w.api.times()
			if _, err := w.login(node, token); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if got := w.api.times() - before; got != want {
				t.Errorf("%s: asked %d times, want %d", what, got, want)
			}
		}
		asks("without a time", "ana@example.org/1", "t", 1)
		asks("is not remembered", "ana@example.org/1", "t", 1)
		grants(`{"granted":true,"ttl":60}`)
		asks("for a minute", "ana@example.org/1", "t", 1)
		made := len(w.owner.made)
		asks("another instance", "ana@example.org/2", "t", 0)
		if len(w.owner.made) != made+1 || w.owner.made[made] != "ana@example.org" { // which may have been deleted
			t.Errorf("the account of who is let in is not seen to: %v", w.owner.made[made:])
		}
		w.owner.err = errors.New("the store is away")
		w.want("remembered, without a store", "t", auth.OutcomeFault)
		w.owner.err = nil
		asks("other credentials", "ana@example.org/1", "u", 1)
		asks("another identity", "rui@example.org/1", "t", 1)
		time.Sleep(59 * time.Second)
		asks("is remembered", "ana@example.org/1", "t", 0)
		time.Sleep(time.Second)
		asks("and no longer", "ana@example.org/1", "t", 1)
		grants(`{"granted":true,"ttl":86400}`)
		asks("for a day", "ana@example.org/1", "v", 1)
		time.Sleep(maxTTL)
		asks("is ten minutes", "ana@example.org/1", "v", 1)
		grants(`{"granted":true,"ttl":60,"expires":"` + lime.FormatTime(time.Now().Add(10*time.Second)) + `"}`)
		asks("what expires", "ana@example.org/1", "w", 1)
		asks("is remembered", "ana@example.org/1", "w", 0)
		time.Sleep(10 * time.Second)
		asks("until then", "ana@example.org/1", "w", 1)
	})
}

func TestCacheKeepsNoCredentials(t *testing.T) {
	c := newCache(3)
	k, err := c.keyOf(question{Authentication: json.RawMessage(`{"token":"` + secretWord + `"}`)})
	if err != nil {
		t.Fatal(err)
	}
	c.remember(k, auth.Grant{Identity: lime.MustParseIdentity("ana@example.org")}, time.Minute)
	if _, ok := c.Get(k); !ok {
		t.Error("it is not remembered")
	}
	if text := fmt.Sprintf("%+v", c.Answers); strings.Contains(text, secretWord) {
		t.Errorf("it has %s", text)
	}
}
