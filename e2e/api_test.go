package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"limegrove/lime"
)

// TestBackendsWorkWithoutASession: two edges, and two routers with an API.
func TestBackendsWorkWithoutASession(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rooms.json")
	if err := os.WriteFile(rules, []byte(rulesOfRooms), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCluster(t, 2, "-room-rules", rules)
	one, two := c.startBackend(t, "router-1"), c.startBackend(t, "router-2")
	var people []*session
	for i, name := range []string{"ana", "rui"} {
		one.posts("makes an account", 201, "/v1/accounts", fmt.Sprintf(`{"identity":"%s@%s","password":%q}`, name, domain, password))
		two.posts("which is there", 409, "/v1/accounts", fmt.Sprintf(`{"identity":"%s@%s","password":"another one"}`, name, domain))
		s := login(t, goLibrary, c.edges[i], name+"/home", secret(password))
		s.setPresence(map[string]any{"status": "available", "routingRule": "identity"})
		people = append(people, s)
	}
	ana, rui := people[0], people[1]

	t.Run("it sends, and hears what becomes of it", func(t *testing.T) { backendsSend(t, one, two, ana, rui) })
	t.Run("it publishes to rooms", func(t *testing.T) { backendsPublish(t, two, ana, rui) })
	t.Run("it sends to groups", func(t *testing.T) { backendsSendToGroups(t, one, ana, rui) })
	t.Run("its requests are done once", func(t *testing.T) { backendsRepeat(t, one, two, ana) })
	t.Run("its keys count everywhere or nowhere", func(t *testing.T) { backendsHaveKeys(t, one, two) })
	t.Run("it ends sessions", func(t *testing.T) { backendsEndSessions(t, c, one, two, rui) })
	t.Run("it reads and purges inboxes", func(t *testing.T) { backendsReadInboxes(t, c, one, two) })
	t.Run("it is told what is wrong", func(t *testing.T) { backendsMakeMistakes(t, one) })
	t.Run("a router finishes what it has taken", func(t *testing.T) { routersFinish(t, one, two, ana) })
}

func backendsSend(t *testing.T, one, two *caller, ana, rui *session) {
	for i, b := range []*caller{one, two} {
		for name, s := range map[string]*session{"ana": ana, "rui": rui} {
			content := fmt.Sprint("hello ", i)
			answer := b.begins("/v1/messages", message(name+"@"+domain, content, `,"wait":"received","timeout":30`))
			e := s.wantText("of the server", content)
			if !strings.HasPrefix(e.From, "postmaster@"+domain+"/~") || e.PP != "" {
				t.Errorf("it comes from %s, by %q", e.From, e.PP)
			}
			s.send(Envelope{ID: e.ID, To: e.From, Event: "received"})
			a := answer("it is received", 200)
			events := a.body["events"].([]any)
			last := events[len(events)-1].(map[string]any)
			if a.body["event"] != "received" || last["from"] != s.node || a.body["id"] != e.ID {
				t.Errorf("it is told %s", a.text)
			}
		}
	}
	answer := one.begins("/v1/messages", message("rui@"+domain, "in ana's name", `,"from":"ana@`+domain+`","id":"m-1","wait":"consumed","timeout":30`))
	e := rui.wantText("of somebody", "in ana's name")
	if e.From != "ana@"+domain || !strings.HasPrefix(e.PP, "postmaster@") || e.ID != "m-1" {
		t.Errorf("it comes from %s, by %s", e.From, e.PP)
	}
	rui.send(Envelope{ID: e.ID, To: e.PP, Event: "consumed"})
	answer("it is read", 200)
	ana.wantNothingElse("ana hears nothing of it")

	two.posts("what is not stored", 202, "/v1/messages", message("ana@"+domain, "quick", `,"transient":true`))
	if e := ana.wantText("it comes", "quick"); e.ID != "" {
		t.Errorf("it has the id %s", e.ID)
	}
	two.posts("a notification", 202, "/v1/notifications", fmt.Sprintf(`{"to":%q,"from":"rui@%s","id":"n-1","event":"received"}`, ana.node, domain))
	ana.want("it comes", func(e Envelope) bool { return e.ID == "n-1" && e.Event == "received" && e.From == "rui@"+domain })

	asked := one.begins("/v1/commands", fmt.Sprintf(`{"to":%q,"method":"get","uri":"/greeting","timeout":30}`, rui.node))
	e = rui.want("a command", func(e Envelope) bool { return e.URI == "/greeting" })
	rui.send(Envelope{ID: e.ID, To: e.From, Method: methodGet, Status: "success", Type: "text/plain", Resource: "bom dia"})
	if a := asked("it is answered", 200); a.body["resource"] != "bom dia" || a.body["from"] != rui.node {
		t.Errorf("it is told %s", a.text)
	}
	if a := one.posts("a command to nobody", 200, "/v1/commands", `{"to":"ana@`+domain+`/nowhere","method":"get","uri":"/x"}`); a.body["status"] != "failure" {
		t.Errorf("it is told %s", a.text)
	}
	a := two.posts("a command to the server", 200, "/v1/commands", `{"from":"ana@`+domain+`","method":"get","uri":"/account"}`)
	if a.body["resource"].(map[string]any)["identity"] != "ana@"+domain {
		t.Errorf("it is told %s", a.text)
	}
}

func backendsPublish(t *testing.T, b *caller, ana, rui *session) {
	enter := func(s *session, room any) {
		answer := s.call(Envelope{Method: "subscribe", URI: "/rooms", Type: lime.MediaRoom, Resource: map[string]any{"room": room}})
		if answer.Status != "success" {
			t.Fatalf("%s enters: %s", s.node, answer)
		}
	}
	for _, s := range []*session{ana, rui} {
		enter(s, "/public/lobby")
	}
	enter(ana, map[string]any{"target": "ride", "depot": 3})
	enter(rui, map[string]any{"target": "ride", "depot": 4})
	publish := func(what, rooms, content, more string) {
		b.posts(what, 202, "/v1/rooms/messages", fmt.Sprintf(`{"rooms":%s,"type":"text/plain","content":%q%s}`, rooms, content, more))
	}
	publish("to one", `["/public/lobby"]`, "all", `,"from":"zoe@`+domain+`"`)
	for _, s := range []*session{ana, rui} {
		if e := s.wantText("on both edges", "all"); e.From != "%2fpublic%2flobby@rooms.localhost/zoe%40localhost" || e.To != "%2fpublic%2flobby@rooms.localhost" {
			t.Errorf("it comes from %s to %s", e.From, e.To)
		}
	}
	publish("to two", `[{"target":"ride","depot":3},{"target":"ride","depot":4}]`, "each", "")
	ana.wantText("one of them", "each")
	rui.wantText("the other", "each")
	publish("a wildcard", `[{"target":"ride","depot":"*"}]`, "literal", "")
	publish("that matches", `[{"target":"ride","depot":"*"}]`, "every", `,"matching":true`)
	ana.wantText("every one that it matches", "every")
	rui.wantText("every one that it matches", "every")
	ana.wantNothingElse("a wildcard is itself by default")
}

func backendsSendToGroups(t *testing.T, b *caller, ana, rui *session) {
	const group = "crew@groups.localhost"
	as := func(what, method, uri, kind, resource string) {
		a := b.posts(what, 200, "/v1/commands", fmt.Sprintf(`{"from":"ana@%s","method":%q,"uri":%q,"type":"application/vnd.lime.%s+json","resource":%s}`, domain, method, uri, kind, resource))
		if a.body["status"] != "success" {
			t.Fatalf("%s: %s", what, a.text)
		}
	}
	as("a group of ana's", "set", "/groups", "group", `{"identity":"`+group+`","name":"Crew"}`)
	as("with rui", "set", "/groups/"+group+"/members", "groupmember", `{"address":"rui@`+domain+`"}`)
	b.posts("the server sends to it", 200, "/v1/groups/"+group+"/messages", `{"type":"text/plain","content":"to all"}`)
	for _, s := range []*session{ana, rui} {
		if e := s.wantText("all members have it", "to all"); !strings.HasPrefix(e.From, group+"/postmaster") {
			t.Errorf("it comes from %s", e.From)
		}
	}
	a := b.posts("who is no member", 403, "/v1/groups/"+group+"/messages", `{"from":"zoe@`+domain+`","type":"text/plain","content":"x"}`)
	if fmt.Sprint(a.body["code"]) != "35" {
		t.Errorf("it is told %s", a.text)
	}
}

func backendsRepeat(t *testing.T, one, two *caller, ana *session) {
	body := message("ana@"+domain, "once", "")
	first := one.posts("a request", 200, "/v1/messages", body, "Idempotency-Key", "k-1")
	again := two.posts("again, at the other router", 200, "/v1/messages", body, "Idempotency-Key", "k-1")
	if first.text != again.text || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("answered %s and %s", first.text, again.text)
	}
	two.posts("another request", 422, "/v1/messages", message("ana@"+domain, "twice", ""), "Idempotency-Key", "k-1")
	ana.wantText("it comes", "once")
	ana.wantNothingElse("and once only")
	a := one.posts("a batch", 200, "/v1/batch", `{"operations":[{"method":"POST","path":"/v1/messages","body":`+message("ana@"+domain, "1", "")+
		`},{"method":"GET","path":"/v1/nothing"},{"method":"POST","path":"/v1/messages","body":`+message("ana@"+domain, "2", "")+`}]}`)
	var statuses []string
	for _, r := range a.body["results"].([]any) {
		statuses = append(statuses, fmt.Sprint(r.(map[string]any)["status"]))
	}
	if got := strings.Join(statuses, " "); got != "200 404 200" {
		t.Errorf("its results are %s: %s", got, a.text)
	}
	if e := ana.want("its first", func(e Envelope) bool { return e.Content != nil }); e.Content != "1" {
		t.Errorf("%s came first", e)
	}
	ana.wantText("its second", "2")
}

func backendsHaveKeys(t *testing.T, one, two *caller) {
	made := one.posts("a key", 201, "/v1/keys", `{"name":"push","scopes":["presence"],"domains":["`+domain+`"]}`)
	other := *two
	other.key = made.body["key"].(string)
	eventually(t, "it counts at the other router", patience, func() error {
		a, err := other.do(http.MethodGet, "/v1/identities/ana@"+domain+"/presence", "")
		if err == nil && a.status != http.StatusOK {
			err = errors.New(a.text)
		}
		return err
	})
	other.posts("it has its scopes alone", 403, "/v1/messages", message("ana@"+domain, "x", ""))
	one.want("it is revoked", 204, http.MethodDelete, "/v1/keys/"+made.body["id"].(string), "")
	took := eventually(t, "it counts at the other router no more", 5*time.Second, func() error {
		a, err := other.do(http.MethodGet, "/v1/identities/ana@"+domain+"/presence", "")
		if err == nil && a.status != http.StatusUnauthorized {
			err = fmt.Errorf("%d %s", a.status, a.text)
		}
		return err
	})
	t.Logf("a revoked key is refused at the other router after %s", took.Round(time.Millisecond))
}

func backendsEndSessions(t *testing.T, c *cluster, one, two *caller, rui *session) {
	a := two.want("presence", 200, http.MethodGet, "/v1/identities/rui@"+domain+"/presence", "")
	if a.body["status"] != "available" {
		t.Errorf("it is %s", a.text)
	}
	desk := login(t, goLibrary, c.edges[0], "rui/desk", secret(password))
	var instances []string
	for _, s := range one.want("sessions", 200, http.MethodGet, "/v1/identities/rui@"+domain+"/sessions", "").body["sessions"].([]any) {
		instances = append(instances, s.(map[string]any)["instance"].(string))
	}
	if got := strings.Join(instances, " "); got != "desk home" {
		t.Errorf("the sessions are %s", got)
	}
	two.want("one is ended", 200, http.MethodDelete, "/v1/identities/rui@"+domain+"/sessions/desk?code=66&description=Go%20home", "")
	if e := desk.wantEnd("it is told why", "failed"); e.Reason == nil || e.Reason.Code != 66 || e.Reason.Description != "Go home" {
		t.Errorf("it is told %s", e)
	}
	one.want("all are ended", 200, http.MethodDelete, "/v1/identities/rui@"+domain+"/sessions", "")
	rui.wantEnd("the other one", "failed")

	one.want("another password", 200, http.MethodPatch, "/v1/accounts/rui@"+domain, `{"password":"a new one","properties":{"fullName":"Rui"}}`)
	refused(t, goLibrary, c.edges[0], "rui/home", secret(password))
	login(t, goLibrary, c.edges[0], "rui/home", secret("a new one")).finish()
}

func backendsReadInboxes(t *testing.T, c *cluster, one, two *caller) {
	one.posts("an account that is away", 201, "/v1/accounts", `{"identity":"lia@`+domain+`","password":"`+password+`"}`)
	for i := range 4 {
		one.posts("a message that waits", 200, "/v1/messages", message("lia@"+domain, fmt.Sprint("letter ", i), ""))
	}
	const at = "/v1/identities/lia@" + domain + "/inbox"
	var page said
	eventually(t, "they are in the inbox", patience, func() error {
		page = two.want("a page", 200, http.MethodGet, at+"?take=3", "")
		if page.body["next"] == nil {
			return errors.New(page.text)
		}
		return nil
	})
	all := page.body["messages"].([]any)
	for i, m := range all {
		if got := m.(map[string]any)["envelope"].(map[string]any)["content"]; got != fmt.Sprint("letter ", i) {
			t.Errorf("%s came as number %d", got, i)
		}
	}
	rest := one.want("the next page", 200, http.MethodGet, fmt.Sprint(at, "?from=", page.body["next"]), "")
	if n := len(rest.body["messages"].([]any)); n != 1 || rest.body["next"] != nil {
		t.Errorf("it has %s", rest.text)
	}
	sequence := func(i int) string { return fmt.Sprint(all[i].(map[string]any)["sequence"]) }
	one.want("one is removed", 204, http.MethodDelete, at+"/"+sequence(0), "")
	two.want("which is gone", 404, http.MethodDelete, at+"/"+sequence(0), "")
	two.want("of somebody else it is not there", 404, http.MethodDelete, "/v1/identities/ana@"+domain+"/inbox/"+sequence(1), "")
	if a := two.want("up to one", 200, http.MethodDelete, at+"?through="+sequence(1), ""); fmt.Sprint(a.body["purged"]) != "1" {
		t.Errorf("purged: %s", a.text)
	}
	lia := login(t, goLibrary, c.edges[1], "lia/home", secret(password))
	lia.setPresence(map[string]any{"status": "available", "routingRule": "identity"})
	for _, want := range []string{"letter 2", "letter 3"} {
		if e := lia.want("what is left", func(e Envelope) bool { return e.Content != nil }); e.Content != want {
			t.Errorf("%s came where %s was to come", e, want)
		}
	}
	lia.wantNothingElse("and nothing else")
	lia.finish()
	one.want("the account is deleted", 204, http.MethodDelete, "/v1/accounts/lia@"+domain, "")
	one.want("and gone", 404, http.MethodGet, "/v1/accounts/lia@"+domain, "")
}

func backendsMakeMistakes(t *testing.T, b *caller) {
	for _, row := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/v1/messages", message("nobody@"+domain, "x", ""), 404, `"code":33`},
		{"/v1/messages", message("nobody@"+domain+"/x", "x", ""), 404, `"code":33`},
		{"/v1/messages", message("ana@elsewhere.example", "x", `,"timeout":20`), 404, `"code":43`},
		{"/v1/messages", message("ana@"+domain, "x", `,"from":"ana@elsewhere.example"`), 403, "forbidden"},
		{"/v1/messages", `{"to":"ana@` + domain + `","type":"application/json","content":"x"}`, 400, `"code":23`},
		{"/v1/messages", `{"to":"ana@` + domain + `","type":"text/plain","content":"` + "\xff" + `"}`, 400, `"code":21`},
		{"/v1/messages", `{"to":"ana@` + domain + `"`, 400, "malformed"},
		{"/v1/messages", message("ana@"+domain, strings.Repeat("x", 600<<10), ""), 413, "too-large"},
		{"/v1/messages", message("ana@"+domain, strings.Repeat("x", 2<<20), ""), 413, "too-large"},
		{"/v1/groups/nothing@groups." + domain + "/messages", `{"type":"text/plain","content":"x","from":"ana@` + domain + `"}`, 404, `"code":42`},
		{"/v1/accounts", `{"identity":"postmaster@` + domain + `","password":"x"}`, 400, `"code":25`},
		{"/v1/accounts/ana@" + domain + "/keys", `{"name":"a b"}`, 400, `"code":64`},
		{"/v1/identities/..%2F..%2Fkeys/presence", `{}`, 405, "method-not-allowed"},
		{"/v1/../v1/keys", `{}`, 404, "not-found"},
	} {
		a, err := b.do(http.MethodPost, row.path, row.body)
		for tries := 0; err != nil && row.status == http.StatusRequestEntityTooLarge && tries < 10; tries++ {
			a, err = b.do(http.MethodPost, row.path, row.body) // the answer came while the rest was written, and was not seen
		}
		if err != nil || a.status != row.status || !strings.Contains(a.text, row.says) || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %.100s: %d %s %v, want %d", row.path, row.body, a.status, a.text, err, row.status)
		}
	}
}

func routersFinish(t *testing.T, one, two *caller, ana *session) {
	answer := one.begins("/v1/messages", message("ana@"+domain, "last", `,"wait":"received","timeout":30`))
	e := ana.wantText("it is under way", "last")
	one.at.signal(t, syscall.SIGTERM)
	eventually(t, "it takes no more", patience, func() error {
		a, err := one.do(http.MethodGet, "/v1/keys", "")
		if err == nil && a.status != http.StatusServiceUnavailable {
			return fmt.Errorf("%d", a.status)
		}
		return nil
	})
	ana.send(Envelope{ID: e.ID, To: e.From, Event: "received"})
	if a := answer("what was under way is finished", 200); a.body["event"] != "received" {
		t.Errorf("it is told %s", a.text)
	}
	if status := one.at.wantExit(t, patience); status.ExitStatus() != 0 {
		t.Errorf("it ends with %v", status)
	}
	two.posts("the other one goes on", 200, "/v1/messages", message("ana@"+domain, "on", ""))
	ana.wantText("as before", "on")
}

// TestBackendsAreToldWhatIsAway: nobody waits for long, and it goes on by itself.
func TestBackendsAreToldWhatIsAway(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1)
	b := c.startBackend(t, "router-1")
	b.posts("an account", 201, "/v1/accounts", `{"identity":"ana@`+domain+`","password":"`+password+`"}`)
	made := b.posts("a key", 201, "/v1/keys", `{"name":"push","scopes":["send","presence"]}`)
	other := *b
	other.key = made.body["key"].(string)
	hello := message("ana@"+domain, "hello", "")

	c.redis.Stop()
	other.posts("messages are taken without Redis", 200, "/v1/messages", hello)
	began := time.Now()
	if a := other.want("sessions are not known", 503, http.MethodGet, "/v1/identities/ana@"+domain+"/sessions", ""); a.header.Get("Retry-After") == "" {
		t.Errorf("it is not said when to come again: %v", a.header)
	}
	c.redis.Start()
	eventually(t, "sessions are known again", patience, func() error {
		a, err := other.do(http.MethodGet, "/v1/identities/ana@"+domain+"/sessions", "")
		if err == nil && a.status != http.StatusOK {
			err = errors.New(a.text)
		}
		return err
	})
	t.Logf("after %s", time.Since(began).Round(time.Millisecond))

	c.nats.kill()
	began = time.Now()
	for _, row := range []struct{ path, body, key string }{
		{"/v1/messages", hello, ""},
		{"/v1/messages", hello, "k-1"},
		{"/v1/rooms/messages", `{"rooms":["/a"],"type":"text/plain","content":"x"}`, ""},
		{"/v1/keys", `{"name":"x","scopes":["send"]}`, ""},
		{"/v1/accounts", `{"identity":"rui@` + domain + `","password":"x"}`, ""},
	} {
		var headers []string
		if row.key != "" {
			headers = []string{"Idempotency-Key", row.key}
		}
		if a, err := b.do(http.MethodPost, row.path, row.body, headers...); err != nil || a.status < 500 {
			t.Errorf("%s without NATS: %d %s %v", row.path, a.status, a.text, err)
		}
	}
	t.Logf("five requests without NATS were answered after %s", time.Since(began).Round(time.Millisecond))
	c.nats.start(t)
	eventually(t, "it goes on", patience, func() error {
		a, err := other.do(http.MethodPost, "/v1/messages", hello, "Idempotency-Key", "k-1")
		if err == nil && a.status != http.StatusOK {
			err = errors.New(a.text)
		}
		return err
	})
}

// TestARequestOutlivesItsRouter: one that a router dies of is made again at the other, and done once.
func TestARequestOutlivesItsRouter(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1)
	one, two := c.startBackend(t, "router-1"), c.startBackend(t, "router-2")
	one.posts("an account", 201, "/v1/accounts", `{"identity":"ana@`+domain+`","password":"`+password+`"}`)
	ana := login(t, goLibrary, c.edges[0], "ana/home", secret(password))
	ana.setPresence(map[string]any{"status": "available", "routingRule": "identity"})
	body := message("ana@"+domain, "once", `,"wait":"received","timeout":30`)
	lost := make(chan error, 1)
	go func() {
		_, err := one.do(http.MethodPost, "/v1/messages", body, "Idempotency-Key", "k-1")
		lost <- err
	}()
	first := ana.wantText("it is on its way", "once")
	one.at.kill()
	if err := <-lost; err == nil {
		t.Error("a router that was killed has answered")
	}
	two.posts("the other one does not know what has become of it", 409, "/v1/messages", body, "Idempotency-Key", "k-1")
	// A backend that does not want to wait until the first is taken for dead names the message itself.
	a := two.posts("the message by its id", 200, "/v1/messages", message("ana@"+domain, "once", `,"id":"`+first.ID+`"`))
	if a.body["event"] != "accepted" {
		t.Errorf("it is told %s", a.text)
	}
	ana.wantNothingElse("it comes once")
}
