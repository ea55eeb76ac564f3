package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// seeks connects to a channel with a token, "" for none, and headers, and reads nothing yet.
func seeks(t *testing.T, at *edge, channel, token string, headers http.Header) *socket {
	t.Helper()
	query := url.Values{"channel": {channel}}
	if token != "" {
		query.Set("token", token)
	}
	return dialSocket(t, at.url, "messages?"+query.Encode(), headers)
}

// isRefused waits for the end, before which there is no frame: B-02.
func (s *socket) isRefused(what string) {
	s.t.Helper()
	s.closes(what, ws.StatusNormalClosure, "Error: not authorized for channel access")
}

func (s *socket) isReady(what string) *socket {
	s.t.Helper()
	s.gets(what, `{"type":1000}`)
	return s
}

// TestChannelsAreGivenByTokens of an issuer: B-01, B-02.
func TestChannelsAreGivenByTokens(t *testing.T) {
	t.Parallel()
	s := &strangers{t: t}
	issuers := s.issuers("  domains: [channels.localhost]\n  identity: \"{sub}@channels.localhost\"\n  escape: true\n")
	c := startChannels(t, 1, []string{"-auth-issuers", issuers}, "-bachata-auth", "token", "-auth", "guest,external")
	at := c.edges[0]
	token := func(channel string, lives time.Duration) string {
		text, err := s.token(channel, lives)(t.Context())
		must(t, err)
		return text
	}
	ana, bob := c.name("Ana Ä"), c.name("postmaster@/bob")
	a := seeks(t, at, ana, token(ana, time.Hour), nil).isReady("who has a token")
	b := seeks(t, at, bob, token(bob, time.Hour), nil).isReady("and another")
	a.says(`{"id":"1","type":"text","dest":"` + bob + `","data":"x"}`)
	a.gets("it is taken", `{"type":100,"data":"1"}`)
	b.gets("and comes", `{"id":"1","type":"text","dest":"`+bob+`","data":"x"}`)

	seeks(t, at, ana, "", nil).isRefused("without a token")
	seeks(t, at, ana, token(bob, time.Hour), nil).isRefused("with another channel's")
	seeks(t, at, ana, token(ana, -time.Minute), nil).isRefused("with one that has expired")
	seeks(t, at, ana, "x.y.z", nil).isRefused("with none that is one")
	seeks(t, at, "", token(ana, time.Hour), nil).isRefused("for no channel")
	seeks(t, at, ana, token(ana, 5*time.Second), nil).isReady("for a moment").isRefused("which is over")
	a.getsNothing("who has a token stays")
}

// doorman is the platform's API that decides about channels, by a cookie or a token, each of
// which has an answer.
type doorman struct {
	*httptest.Server
	done chan struct{} // what is slow ends

	mu    sync.Mutex
	asked []map[string]any
}

func newDoorman(t *testing.T) *doorman {
	d := &doorman{done: make(chan struct{})}
	d.Server = httptest.NewServer(d)
	t.Cleanup(func() {
		close(d.done)
		d.Close()
	})
	return d
}

// last is what it was asked last.
func (d *doorman) last() map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[len(d.asked)-1]
}

// Config.Handler: the secret says what is answered.
func (d *doorman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q map[string]any
	if json.NewDecoder(r.Body).Decode(&q) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	d.asked = append(d.asked, q)
	d.mu.Unlock()
	cookies, _ := q["cookies"].(map[string]any)
	shown, _ := q["authentication"].(map[string]any)
	secret, _ := cookies["sid"].(string)
	if secret == "" {
		secret, _ = shown["token"].(string)
	}
	switch secret {
	case "good":
		_, _ = fmt.Fprint(w, `{"granted":true}`)
	case "brief":
		_, _ = fmt.Fprintf(w, `{"granted":true,"expires":%q}`, time.Now().Add(5*time.Second).Format(time.RFC3339))
	case "other":
		_, _ = fmt.Fprint(w, `{"granted":true,"identity":"somebody@channels.localhost"}`)
	case "lime":
		_, _ = fmt.Fprint(w, `{"granted":true,"identity":"ana@localhost"}`)
	case "slow":
		<-d.done
	case "broken":
		w.WriteHeader(http.StatusInternalServerError)
	case "lying":
		_, _ = fmt.Fprint(w, `{"granted":"yes"}`)
	default:
		_, _ = fmt.Fprint(w, `{"granted":false,"reason":{"description":"nobody knows you"}}`)
	}
}

// TestChannelsAreGivenByAWebhook that knows clients by their requests: B-01, B-02.
func TestChannelsAreGivenByAWebhook(t *testing.T) {
	t.Parallel()
	d := newDoorman(t)
	c := startChannels(t, 1, []string{"-auth-webhook", d.URL, "-auth-webhook-timeout", "1s"},
		"-bachata-auth", "webhook", "-auth", "guest,external", "-auth-webhook-cookies", "sid", "-auth-webhook-headers", "X-Tenant")
	at := c.edges[0]
	cookie := func(sid string) http.Header {
		return http.Header{"Cookie": {"other=1; sid=" + sid}, "X-Tenant": {"blue"}}
	}
	ana := c.name("Ana")
	a := seeks(t, at, ana, "", cookie("good")).isReady("with a cookie")
	q := d.last()
	headers, _ := q["headers"].(map[string]any)
	if q["scheme"] != "external" || q["identity"] != "%41"+ana[1:]+"@channels.localhost" || q["authentication"] != nil || fmt.Sprint(headers["X-Tenant"]) != "[blue]" {
		t.Errorf("it is asked %v", q)
	}
	seeks(t, at, ana, "good", nil).isReady("with a token")
	if q := d.last(); fmt.Sprint(q["authentication"]) != "map[token:good]" {
		t.Errorf("it is asked %v", q)
	}

	seeks(t, at, ana, "", cookie("bad")).isRefused("with a bad cookie")
	seeks(t, at, ana, "bad", nil).isRefused("with a bad token")
	seeks(t, at, ana, "", nil).isRefused("with nothing")
	seeks(t, at, "", "", cookie("good")).isRefused("for no channel")
	seeks(t, at, ana, "", cookie("other")).isRefused("as another channel")
	seeks(t, at, ana, "", cookie("lime")).isRefused("as somebody who has no channel")
	seeks(t, at, ana, "", cookie("brief")).isReady("for a moment").isRefused("which is over")

	slow := seeks(t, at, ana, "", cookie("slow"))
	seeks(t, at, c.name("bob"), "", cookie("good")).isReady("while somebody waits")
	slow.isRefused("when there is no answer in time")
	seeks(t, at, ana, "", cookie("broken")).isRefused("when it is broken")
	seeks(t, at, ana, "", cookie("lying")).isRefused("when it answers what cannot be read")
	d.CloseClientConnections()
	d.Listener.Close()
	for range 5 { // until nobody is asked any more
		seeks(t, at, ana, "", cookie("good")).isRefused("when it is away")
	}
	a.getsNothing("who was let in stays")
	a.says(`{"id":"1","type":"text","dest":"` + ana + `","data":"x"}`)
	a.gets("and is heard", `{"type":100,"data":"1"}`)
}
