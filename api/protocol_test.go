package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
)

const aMessage = `{"to":"ana@t.org","type":"text/plain","content":"x"}`

func TestKeysAreAskedFor(t *testing.T) {
	w := newWorld(t)
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic ZXZlcnl0aGluZw==", "everything", "Bearer\teverything"} {
		r := httptest.NewRequest(http.MethodGet, "/v1/keys", nil)
		r.Header.Set("Authorization", header)
		a := w.want(header, w.request(r), 401, kindUnknownKey)
		if !strings.HasPrefix(a.Header().Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%q: it is not said how", header)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/keys", nil)
	r.Header.Set("Authorization", "bEARER  everything")
	w.want("the scheme in any case", w.request(r), 200, "")
	w.keys.err = ErrUnavailable
	w.want("nobody knows yet", w.do("new", "GET", "/v1/keys", ""), 503, kindUnavailable)
}

func TestScopesAndDomainsHold(t *testing.T) {
	w := newWorld(t)
	w.keys.all["none"] = Key{ID: "none"}
	filled := strings.NewReplacer("{identity}", "ana@t.org", "{group}", "g@groups.t.org", "{instance}", "1", "{sequence}", "1", "{name}", "x", "{id}", "x")
	for _, o := range w.operations() {
		if o.scope == "" {
			continue
		}
		w.want(o.id+" without its scope", w.do("none", o.method, filled.Replace(o.path), ""), 403, kindForbidden)
		w.keys.all["all but it"] = Key{ID: "most"}
		k := Key{ID: "most"}
		for _, s := range Scopes() {
			if s != o.scope {
				k.Scopes = append(k.Scopes, s)
			}
		}
		w.keys.all["all but it"] = k
		w.want(o.id+" with all others", w.do("all but it", o.method, filled.Replace(o.path), ""), 403, kindForbidden)
		if strings.Contains(o.path, "{identity}") {
			for _, foreign := range []string{"ana@other.org", "ana@evil.org", "ana@sub.t.org", "ana@groups.t.org"} {
				w.keys.all["one domain"] = Key{ID: "one", Scopes: Scopes(), Domains: []string{"t.org"}}
				body := ""
				w.want(o.id+" of "+foreign, w.do("one domain", o.method, strings.Replace(filled.Replace(o.path), "ana@t.org", foreign, 1), body), 403, kindForbidden)
			}
			for _, none := range []string{"ana", "@t.org", "ana@t.org%2F1", "..", "%2E%2E", "a%20b@", "%00@t.org", strings.Repeat("a", 1100) + "@t.org"} {
				a := w.do(allKey, o.method, strings.Replace(filled.Replace(o.path), "ana@t.org", none, 1), "")
				if a.Code != 400 && a.Code != 404 || len(w.resources.asked) > 0 {
					t.Errorf("%s of %q: %d %s", o.id, none, a.Code, a.Body)
				}
			}
		}
	}
	for member, body := range map[string]string{
		"from":   `{"from":"rui@other.org","to":"ana@t.org","type":"text/plain","content":"x"}`,
		"domain": `{"domain":"other.org","to":"ana@t.org","type":"text/plain","content":"x"}`,
	} {
		if a := w.want(body, w.do(sendKey, "POST", "/v1/messages", body), 403, kindForbidden); a.member != member {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	w.want("two domains", w.do(allKey, "POST", "/v1/messages", `{"from":"rui@t.org","domain":"other.org","to":"ana@t.org","type":"text/plain","content":"x"}`), 400, kindInvalid)
}

func TestPathsThatAreNone(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/v1", "/v1/", "/v2/messages", "/v1/messages/", "/v1//messages", "//v1/messages", "/v1/../v1/keys", "/v1/./keys", "/v1/keys/..", "/v1/identities//presence", "/v1/identities/a/b/presence"} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.URL.Path = path
		w.want(path, w.request(r), 404, kindNotFound)
	}
	a := w.want("another method", w.do(allKey, "PUT", "/v1/keys", ""), 405, kindMethod)
	if got := a.Header().Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("Allow: %s", got)
	}
	w.want("no method at all", w.do(allKey, "BREW", "/v1/messages", ""), 405, kindMethod)
}

func TestBodiesThatAreNone(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.MaxBody, c.MaxEnvelope = 4096, 1024 })
	for _, row := range []struct {
		body, problem, member string
		status                int
	}{
		{``, kindMalformed, "", 400},
		{` `, kindMalformed, "", 400},
		{`{`, kindMalformed, "", 400},
		{`[]`, kindMalformed, "", 400},
		{`null`, kindMalformed, "", 400},
		{`"x"`, kindMalformed, "", 400},
		{aMessage + `{}`, kindMalformed, "", 400},
		{aMessage + `x`, kindMalformed, "", 400},
		{`{"to":"ana@t.org","nobody":1}`, kindInvalid, "nobody", 400},
		{`{"To":"ana@t.org","type":"text/plain","content":"x"}`, kindInvalid, "To", 400},
		{`{"to":7,"type":"text/plain","content":"x"}`, kindInvalid, "to", 400},
		{`{"to":"ana@t.org","type":"text/plain","content":"x","metadata":{"a":1}}`, kindInvalid, "metadata", 400},
		{`{"to":"ana@t.org","type":"text/plain","content":"x","timeout":"1"}`, kindInvalid, "timeout", 400},
		{`{"to":"ana@t.org","type":"text/plain","content":"x","timeout":0}`, kindInvalid, "timeout", 400},
		{`{"to":"ana@t.org","type":"text/plain","content":"x","timeout":31}`, kindInvalid, "timeout", 400},
		{`{"to":"ana@t.org","type":"text/plain","content":"x","timeout":-1e300}`, kindInvalid, "timeout", 400},
		{`{"to":"ana@t.org","type":"text/plain","content":"x","wait":"read"}`, kindInvalid, "wait", 400},
		{`{"to":"ana@t.org","type":"text/plain","content":"x","wait":"received","transient":true}`, kindInvalid, "wait", 400},
		{`{"to":"ana@t.org","type":"text/plain","content":"x","id":"1","transient":true}`, kindInvalid, "id", 400},
		{`{"to":"ana@t.org","type":"text/plain"}`, kindInvalid, "content", 400},
		{`{"to":"ana","type":"text/plain","content":"x"}`, kindInvalid, "to", 400},
		{`{"to":"@t.org","type":"text/plain","content":"x"}`, kindInvalid, "to", 400},
		{`{"to":"postmaster@t.org","type":"text/plain","content":"x"}`, kindInvalid, "to", 400},
		{`{"type":"text/plain","content":"x"}`, kindInvalid, "to", 400},
		{`{"to":"ana@t.org","from":"rui@t.org/1","type":"text/plain","content":"x"}`, kindInvalid, "from", 400},
		{`{"to":"ana@t.org","type":"text/plain","content":"` + strings.Repeat("x", 2000) + `"}`, kindTooLarge, "", 413},
		{`{"to":"ana@t.org","type":"text/plain","content":"` + strings.Repeat("x", 5000) + `"}`, kindTooLarge, "", 413},
		{strings.Repeat("[", 4000), kindMalformed, "", 400},
	} {
		a := w.want(row.body, w.do(allKey, "POST", "/v1/messages", row.body), row.status, row.problem)
		if a.member != row.member {
			t.Errorf("%.100s: the member %q, want %q", row.body, a.member, row.member)
		}
	}
	if len(w.sender.sent) > 0 {
		t.Errorf("sent %q", w.sender.sent)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/messages", strings.NewReader(aMessage))
	r.Header.Set("Authorization", "Bearer "+allKey)
	w.want("no type", w.request(r), 415, kindMediaType)
	w.want("another type", w.do(allKey, "POST", "/v1/messages", aMessage, "Content-Type", "text/plain"), 415, kindMediaType)
	for _, bad := range []string{
		`{"to":"ana@t.org","event":"consumed"}`, `{"to":"ana@t.org","id":"1"}`, `{"to":"ana@t.org","id":"1","event":"read"}`, `{"to":"x","id":"1","event":"consumed"}`,
	} {
		w.want(bad, w.do(allKey, "POST", "/v1/notifications", bad), 400, kindInvalid)
	}
	for _, bad := range []string{
		`{"uri":"/x"}`, `{"method":"read","uri":"/x"}`, `{"method":"get"}`, `{"method":"get","uri":"http://x"}`, `{"method":"get","uri":"/../x"}`,
		`{"method":"get","uri":"/x","to":"ana"}`, `{"method":"get","uri":"/x","timeout":99}`, `{"method":"get","uri":"/x","from":"x"}`,
	} {
		w.want(bad, w.do(allKey, "POST", "/v1/commands", bad), 400, kindInvalid)
	}
}

func TestARequestIsDoneOnceForItsKey(t *testing.T) {
	w := newWorld(t)
	first := w.want("first", w.do(allKey, "POST", "/v1/messages", aMessage, headerIdempotency, "k"), 200, "")
	again := w.want("again", w.do(allKey, "POST", "/v1/messages", aMessage, headerIdempotency, "k"), 200, "")
	if len(w.sender.sent) != 1 || first.Body.String() != again.Body.String() {
		t.Errorf("sent %q, answered %s and %s", w.sender.sent, first.Body, again.Body)
	}
	if first.Header().Get("Idempotency-Replayed") != "" || again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("the second is not marked, or the first is")
	}
	w.want("another body", w.do(allKey, "POST", "/v1/messages", strings.Replace(aMessage, `"x"`, `"y"`, 1), headerIdempotency, "k"), 422, kindMismatch)
	w.want("another path", w.do(allKey, "POST", "/v1/notifications", aMessage, headerIdempotency, "k"), 422, kindMismatch)
	w.want("the key of somebody else", w.do(sendKey, "POST", "/v1/messages", aMessage, headerIdempotency, "k"), 200, "")
	w.want("a long one", w.do(allKey, "POST", "/v1/messages", aMessage, headerIdempotency, strings.Repeat("k", 256)), 400, kindInvalid)
	w.want("reading needs none", w.do(allKey, "GET", "/v1/keys", "", headerIdempotency, "k"), 200, "")

	w.want("a mistake", w.do(allKey, "POST", "/v1/messages", `{}`, headerIdempotency, "m"), 400, kindInvalid)
	w.want("is kept as well", w.do(allKey, "POST", "/v1/messages", `{}`, headerIdempotency, "m"), 400, kindInvalid)
	w.answers.err = ErrUnavailable
	w.want("nobody can tell", w.do(allKey, "POST", "/v1/messages", aMessage, headerIdempotency, "z"), 503, kindUnavailable)
	w.answers.err = ErrRunning
	a := w.want("it is being done", w.do(allKey, "POST", "/v1/messages", aMessage, headerIdempotency, "z"), 409, kindRunning)
	if a.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After: %q", a.Header().Get("Retry-After"))
	}
}

func TestWhatMayGoBetterIsDoneAgainWithTheSameID(t *testing.T) {
	w := newWorld(t)
	w.sender.err = ErrUnavailable
	w.want("it fails", w.do(allKey, "POST", "/v1/messages", aMessage, headerIdempotency, "k"), 503, kindUnavailable)
	w.sender.err = nil
	w.want("it does not", w.do(allKey, "POST", "/v1/messages", aMessage, headerIdempotency, "k"), 200, "")
	if len(w.sender.sent) != 2 || w.sender.sent[0] != w.sender.sent[1] {
		t.Errorf("sent %q", w.sender.sent)
	}
	batch := `{"operations":[{"method":"POST","path":"/v1/messages","body":` + aMessage + `},{"method":"POST","path":"/v1/messages","body":` + aMessage + `}]}`
	w.sender.sent = nil
	w.want("of a batch each has its own", w.do(allKey, "POST", "/v1/batch", batch, headerIdempotency, "b"), 200, "")
	w.want("it is answered again", w.do(allKey, "POST", "/v1/batch", batch, headerIdempotency, "b"), 200, "")
	if len(w.sender.sent) != 2 || w.sender.sent[0] == w.sender.sent[1] {
		t.Errorf("sent %q", w.sender.sent)
	}
}

func TestAPublicationThatIsMadeAgainHasTheSameKey(t *testing.T) {
	w := newWorld(t)
	w.rooms.err = ErrUnavailable
	const body = `{"rooms":["/a"],"from":"rui@t.org","type":"text/plain","content":"x"}`
	for range 2 {
		w.want("it fails", w.do(allKey, "POST", "/v1/rooms/messages", body, headerIdempotency, "k"), 503, kindUnavailable)
	}
	w.want("another one", w.do(allKey, "POST", "/v1/rooms/messages", body, headerIdempotency, "l"), 503, kindUnavailable)
	k := w.rooms.keys
	if len(k) != 3 || !strings.HasPrefix(k[0], "rui@t.org\n") || k[0] != k[1] || k[0] == k[2] || strings.Contains(w.rooms.got[0], `"id"`) {
		t.Errorf("published by the keys %q: %s", k, w.rooms.got[0])
	}
}

func TestWhoGoesAwayFindsTheAnswerLater(t *testing.T) {
	w := newWorld(t)
	w.sender.late = true
	body := strings.Replace(aMessage, `}`, `,"timeout":0.2}`, 1)
	r := httptest.NewRequest(http.MethodPost, "/v1/messages", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+allKey)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(headerIdempotency, "k")
	ctx, leave := context.WithCancel(t.Context())
	leave()
	w.request(r.WithContext(ctx))
	a := w.want("it was done to its end", w.do(allKey, "POST", "/v1/messages", body, headerIdempotency, "k"), 202, "")
	if len(w.sender.sent) != 1 || a.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("sent %q, %v", w.sender.sent, a.Header())
	}
}

func TestSecretsAreNotKept(t *testing.T) {
	w := newWorld(t)
	for path, body := range map[string]string{
		"/v1/keys": `{"name":"x","scopes":["send"]}`, "/v1/accounts/ana@t.org/keys": `{"name":"a"}`,
	} {
		w.want("it is told once", w.do(allKey, "POST", path, body, headerIdempotency, path), 201, "")
		w.want("and no more", w.do(allKey, "POST", path, body, headerIdempotency, path), 409, kindConflict)
		batch := `{"operations":[{"method":"POST","path":"` + path + `","body":` + body + `}]}`
		w.want("nor of a batch", w.do(allKey, "POST", "/v1/batch", batch, headerIdempotency, "b"+path), 200, "")
		if a := w.want("again", w.do(allKey, "POST", "/v1/batch", batch, headerIdempotency, "b"+path), 200, ""); !strings.Contains(a.Body.String(), `"status":409`) {
			t.Errorf("%s", a.Body)
		}
	}
	for _, one := range w.answers.claims {
		if text := string(one.kept.Body); strings.Contains(text, "secret") || strings.Contains(text, "c2VjcmV0") {
			t.Errorf("kept: %s", text)
		}
	}
}

func TestAKeyHasItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *Config) { c.Rate = 10 })
		var a answer
		for i := range leastBurst {
			a = w.want("within it", w.do(allKey, "GET", "/v1/keys", ""), 200, "")
			if got := a.Header().Get("RateLimit-Remaining"); got != strconv.Itoa(leastBurst-1-i) {
				t.Fatalf("after %d: %s are left", i+1, got)
			}
		}
		if a.Header().Get("RateLimit-Limit") != "100" || a.Header().Get("RateLimit-Reset") != "10" {
			t.Errorf("%v", a.Header())
		}
		a = w.want("beyond it", w.do(allKey, "GET", "/v1/keys", ""), 429, kindTooMany)
		if a.Header().Get("Retry-After") != "1" {
			t.Errorf("%v", a.Header())
		}
		w.want("another key", w.do(sendKey, "POST", "/v1/messages", aMessage), 200, "")
		w.SetRate(-1)
		for range 2 * leastBurst {
			w.want("without a rate", w.do(allKey, "GET", "/v1/keys", ""), 200, "")
		}
		w.SetRate(10)
		for range leastBurst {
			w.want("with one it begins anew", w.do(allKey, "GET", "/v1/keys", ""), 200, "")
		}
		w.want("and ends", w.do(allKey, "GET", "/v1/keys", ""), 429, kindTooMany)
		time.Sleep(time.Second)
		w.want("later", w.do(allKey, "GET", "/v1/keys", ""), 200, "")
		w.want("a batch counts each", w.do(allKey, "POST", "/v1/batch", `{"operations":[`+strings.Repeat("7,", 20)+`7]}`), 429, kindTooMany)
		time.Sleep(time.Minute)
		w.want("the longest batch fits", w.do(allKey, "POST", "/v1/batch", `{"operations":[`+strings.Repeat("7,", 99)+`7]}`), 200, "")
	})
}

func TestMountedHandlersAreBehindKeys(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Mount = []Mounted{{Pattern: "POST /trigger/", Scope: ScopeRooms, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%s %s %v", CallerOf(r.Context()).ID, b, err)
		})}}
		c.MaxBody = 10
	})
	plain := func(key, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/trigger/", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key)
		a := httptest.NewRecorder()
		w.ServeHTTP(a, r)
		return a
	}
	if a := plain(allKey, "[1]"); a.Code != 200 || a.Body.String() != "all [1] <nil>" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	if a := plain(sendKey, "[1]"); a.Code != 403 {
		t.Errorf("without its scope: %d %s", a.Code, a.Body)
	}
	if a := plain("", "[1]"); a.Code != 401 {
		t.Errorf("without a key: %d %s", a.Code, a.Body)
	}
	if a := plain(allKey, "[1,2,3,4,5,6]"); !strings.Contains(a.Body.String(), "too large") {
		t.Errorf("a long body: %d %s", a.Code, a.Body)
	}
	if _, err := New(Config{Keys: w.keys, Answers: w.answers, Domains: []string{"t.org"}, Mount: []Mounted{{Pattern: "/trigger/"}}}); err == nil {
		t.Error("a pattern without a method is taken")
	}
}

func TestRequestsAreCountedByOperation(t *testing.T) {
	w := newWorld(t)
	w.do(allKey, "GET", "/v1/keys", "")
	w.do(noKey, "GET", "/v1/keys", "")
	w.do(allKey, "GET", "/v1/x", "")
	w.do(allKey, "POST", "/v1/batch", `{"operations":[{"method":"GET","path":"/v1/keys"},7]}`)
	got := map[string]float64{}
	families, err := w.counted.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "limegrove_api_requests_total" {
				got[m.GetLabel()[1].GetValue()+" "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if want := map[string]float64{"batch 2xx": 1, "listKeys 2xx": 2, "listKeys 4xx": 1, "none 4xx": 2}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAPanicIsAnswered(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Sessions = panicking{} })
	w.want("a panic", w.do(allKey, "GET", "/v1/identities/ana@t.org/sessions", ""), 500, kindInternal)
	w.want("the next", w.do(allKey, "GET", "/v1/keys", ""), 200, "")
}

type panicking struct{ Sessions }

func (panicking) Of(context.Context, lime.Identity) ([]Session, lime.Presence, error) { panic("x") }

func TestWithoutWhatItNeedsItIsUnavailable(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Sender, c.Asker, c.Rooms, c.Sessions, c.Inboxes, c.Resources = nil, nil, nil, nil, nil, nil
	})
	for _, r := range [][3]string{
		{"POST", "/v1/messages", aMessage},
		{"POST", "/v1/commands", `{"method":"get","uri":"/x"}`},
		{"POST", "/v1/commands", `{"to":"ana@t.org/1","method":"get","uri":"/x"}`},
		{"POST", "/v1/notifications", `{"to":"ana@t.org/1","id":"1","event":"consumed"}`},
		{"POST", "/v1/rooms/messages", `{"rooms":["/a"],"type":"text/plain","content":"x"}`},
		{"GET", "/v1/identities/ana@t.org/sessions", ""},
		{"GET", "/v1/identities/ana@t.org/inbox", ""},
		{"DELETE", "/v1/identities/ana@t.org/inbox", ""},
		{"DELETE", "/v1/identities/ana@t.org/inbox/1", ""},
		{"GET", "/v1/accounts/ana@t.org", ""},
	} {
		w.want(r[1], w.do(allKey, r[0], r[1], r[2]), 503, kindUnavailable)
	}
}

// served is a world's server on a listener in memory's place: loopback.
func served(t *testing.T, w *world) (address string, stop func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Serve(ctx, ln) }()
	t.Cleanup(cancel)
	return ln.Addr().String(), func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(20 * time.Second):
			return errors.New("it does not end")
		}
	}
}

func TestRequestsThatAreUnderWayAreFinished(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.DrainTimeout = 2 * time.Second })
	w.sender.late = true
	address, stop := served(t, w)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	post := func() (int, string) {
		r, err := http.NewRequest(http.MethodPost, "http://"+address+"/v1/messages", strings.NewReader(strings.Replace(aMessage, `}`, `,"timeout":30}`, 1)))
		if err != nil {
			return 0, err.Error()
		}
		r.Header.Set("Authorization", "Bearer "+allKey)
		r.Header.Set("Content-Type", "application/json")
		a, err := client.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer a.Body.Close()
		b, _ := io.ReadAll(a.Body)
		return a.StatusCode, string(b)
	}
	type got struct {
		status int
		body   string
	}
	first := make(chan got, 1)
	go func() {
		status, body := post()
		first <- got{status, body}
	}()
	eventually(t, "it is under way", func() bool { return w.sender.last() != "" })
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	eventually(t, "a new one is refused", func() bool {
		status, _ := post()
		return status == http.StatusServiceUnavailable
	})
	if a := <-first; a.status != 202 || !strings.Contains(a.body, "timedOut") {
		t.Errorf("what was under way: %d %s", a.status, a.body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWhoSendsSlowlyIsCut(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.BodyTimeout = 200 * time.Millisecond })
	address, stop := served(t, w)
	for what, text := range map[string]string{
		"a head":  "POST /v1/messages HTTP/1.1\r\nHost: x\r\n",
		"a body":  "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer everything\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"nothing": "",
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, text)
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		answer, err := io.ReadAll(bufio.NewReader(c))
		if err != nil {
			t.Errorf("%s that does not come: the connection stays: %v", what, err)
		}
		if what == "a body" && !strings.Contains(string(answer), " 408 ") {
			t.Errorf("%s: %q", what, answer)
		}
		_ = c.Close()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(w.sender.sent) > 0 {
		t.Errorf("sent %q", w.sender.sent)
	}
}

func TestTooManyAtOnceAreRefused(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.MaxRequests = 1 })
	w.sender.late = true
	done := make(chan int)
	go func() {
		a := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/v1/messages", strings.NewReader(strings.Replace(aMessage, `}`, `,"timeout":30}`, 1)))
		r.Header.Set("Authorization", "Bearer "+allKey)
		r.Header.Set("Content-Type", "application/json")
		w.ServeHTTP(a, r)
		done <- a.Code
	}()
	eventually(t, "one is under way", func() bool { return w.sender.last() != "" })
	w.want("another", w.do(allKey, "GET", "/v1/keys", ""), 503, kindUnavailable)
	w.noWaits()
	<-done
	w.want("after it", w.do(allKey, "GET", "/v1/keys", ""), 200, "")
}
