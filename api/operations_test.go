package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

func TestMessagesLeaveInTheRightName(t *testing.T) {
	const node = "postmaster@t.org/~run"
	for _, row := range []struct{ sentence, body, envelope string }{
		{
			"without from the server speaks", `{"to":"ana@t.org","id":"1","type":"text/plain","content":"x"}`,
			`{"id":"1","from":"` + node + `","to":"ana@t.org","type":"text/plain","content":"x"}`,
		},
		{
			"with from that one does, by the server", `{"to":"ana@t.org/1","from":"rui@t.org","id":"1","type":"text/plain","content":"x"}`,
			`{"id":"1","from":"rui@t.org","to":"ana@t.org/1","pp":"` + node + `","type":"text/plain","content":"x"}`,
		},
		{
			"from chooses the domain", `{"to":"ana@t.org","from":"rui@Other.org","id":"1","type":"text/plain","content":"x"}`,
			`{"id":"1","from":"rui@Other.org","to":"ana@t.org","pp":"postmaster@other.org/~run","type":"text/plain","content":"x"}`,
		},
		{
			"domain does", `{"to":"ana@t.org","domain":"other.org","id":"1","type":"text/plain","content":"x"}`,
			`{"id":"1","from":"postmaster@other.org/~run","to":"ana@t.org","type":"text/plain","content":"x"}`,
		},
		{
			"the server by its name is the server", `{"to":"ana@t.org","from":"postmaster@t.org","id":"1","type":"text/plain","content":"x"}`,
			`{"id":"1","from":"` + node + `","to":"ana@t.org","type":"text/plain","content":"x"}`,
		},
		{
			"what is not stored has no id", `{"to":"ana@t.org","transient":true,"type":"application/json","content":{"a" : [1, "<"]},"metadata":{"k":"v"}}`,
			`{"from":"` + node + `","to":"ana@t.org","metadata":{"k":"v"},"type":"application/json","content":{"a":[1,"<"]}}`,
		},
	} {
		w := newWorld(t)
		if a := w.do(allKey, "POST", "/v1/messages", row.body); a.Code >= 300 {
			t.Errorf("%s: %d %s", row.sentence, a.Code, a.Body)
		}
		if got := w.sender.last(); got != row.envelope {
			t.Errorf("%s: %s, want %s", row.sentence, got, row.envelope)
		}
	}
}

func TestWhatBecomesOfAMessageIsTold(t *testing.T) {
	const body = `{"to":"ana@t.org","type":"text/plain","content":"x","wait":"received","timeout":0.01}`
	w := newWorld(t)
	if a := w.want("it has arrived", w.do(allKey, "POST", "/v1/messages", body), 200, ""); a.body["event"] != "accepted" || a.body["id"] == "" {
		t.Errorf("%v", a.body)
	}
	w.sender.late = true
	if a := w.want("it has not in time", w.do(allKey, "POST", "/v1/messages", body), 202, ""); a.body["timedOut"] != true {
		t.Errorf("%v", a.body)
	}
	w.sender.told = nil
	w.want("nothing was heard of it", w.do(allKey, "POST", "/v1/messages", body), 504, kindTimeout)
	w.sender.late = false
	w.sender.told = []Told{{Event: lime.EventFailed, From: lime.MustParseNode("x@t.org"), Reason: lime.NewReason(33, "Nobody")}}
	if a := w.want("it has failed", w.do(allKey, "POST", "/v1/messages", body), 404, kindRefused); a.code != 33 || a.body["events"] == nil {
		t.Errorf("%v", a.body)
	}
	w.want("that is what was waited for", w.do(allKey, "POST", "/v1/messages", strings.Replace(body, "received", "failed", 1)), 200, "")
	w.sender.told[0].Reason = nil
	w.want("it has failed without a reason", w.do(allKey, "POST", "/v1/messages", body), 422, kindRefused)
	if w.sender.until != lime.EventReceived {
		t.Errorf("it waits for %s", w.sender.until)
	}
	w.want("nobody waits", w.do(allKey, "POST", "/v1/messages", strings.Replace(body, "received", "none", 1)), 202, "")
	for err, want := range map[error]int{
		ErrUnavailable: 503, ErrIDInUse: 409, lime.NewReason(34, "full"): 429, lime.NewReason(26, "x"): 400, lime.NewReason(51, "x"): 503, lime.NewReason(61, "x"): 503, errors.New("our secret"): 500,
	} {
		w.sender.err = err
		a := w.do(allKey, "POST", "/v1/messages", body)
		if a.Code != want || strings.Contains(a.Body.String(), "secret") {
			t.Errorf("%v: %d %s", err, a.Code, a.Body)
		}
	}
}

func TestNotificationsAndCommandsLeave(t *testing.T) {
	w := newWorld(t)
	w.want("a notification", w.do(allKey, "POST", "/v1/notifications", `{"to":"ana@t.org","from":"rui@t.org","id":"1","event":"consumed"}`), 202, "")
	if got, want := w.sender.last(), `{"id":"1","from":"rui@t.org","to":"ana@t.org","pp":"postmaster@t.org/~run","event":"consumed"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	a := w.want("a command to a node", w.do(allKey, "POST", "/v1/commands", `{"to":"ana@t.org/1","method":"get","uri":"/x","timeout":3}`), 200, "")
	if a.body["resource"] != "yes" || a.body["status"] != "success" || a.body["from"] != "ana@t.org/1" {
		t.Errorf("%v", a.body)
	}
	w.want("observe is never answered", w.do(allKey, "POST", "/v1/commands", `{"to":"ana@t.org/1","method":"observe","uri":"/x","type":"a/b+json","resource":{}}`), 202, "")
	w.resources.answers["get /x"] = Answer{Reason: lime.NewReason(67, "none")}
	a = w.want("a command to the server", w.do(allKey, "POST", "/v1/commands", `{"from":"rui@t.org","method":"get","uri":"/x"}`), 200, "")
	if a.body["status"] != "failure" {
		t.Errorf("%v", a.body)
	}
	w.want("in the server's own name", w.do(allKey, "POST", "/v1/commands", `{"domain":"other.org","method":"get","uri":"/ping"}`), 200, "")
	w.resources.silent = true
	w.want("one that has no answer", w.do(allKey, "POST", "/v1/commands", `{"method":"observe","uri":"/x"}`), 202, "")
	want := []string{"rui@t.org guest=false get /x ", "postmaster@other.org guest=false get /ping ", "postmaster@t.org guest=false observe /x "}
	if !slices.Equal(w.resources.asked, want) {
		t.Errorf("asked: %q", w.resources.asked)
	}
}

func TestPublicationsLookLikeThoseOfSessions(t *testing.T) {
	w := newWorld(t)
	a := w.want("two rooms", w.do(allKey, "POST", "/v1/rooms/messages", `{"rooms":["/a/*",{"x":3}],"from":"rui@t.org","type":"text/plain","content":"x"}`), 202, "")
	if a.body["rooms"] != 2.0 {
		t.Errorf("%v", a.body)
	}
	w.want("a wildcard", w.do(allKey, "POST", "/v1/rooms/messages", `{"rooms":["/a/*"],"matching":true,"domain":"other.org","id":"7","type":"text/plain","content":"x"}`), 202, "")
	want := []string{
		`t.org /a/* false {"from":"%2fa%2f*@rooms.t.org/rui%40t.org","to":"%2fa%2f*@rooms.t.org","type":"text/plain","content":"x"}`,
		`t.org ?x=3 false {"from":"%3fx=3@rooms.t.org/rui%40t.org","to":"%3fx=3@rooms.t.org","type":"text/plain","content":"x"}`,
		`other.org /a/* true {"id":"7","from":"%2fa%2f*@rooms.other.org/postmaster%40other.org","to":"%2fa%2f*@rooms.other.org","type":"text/plain","content":"x"}`,
	}
	if !slices.Equal(w.rooms.got, want) {
		t.Errorf("published:\n%s\nwant\n%s", strings.Join(w.rooms.got, "\n"), strings.Join(want, "\n"))
	}
	if keys := []string{"", "", "postmaster@other.org\n7"}; !slices.Equal(w.rooms.keys, keys) {
		t.Errorf("by the keys %q, want %q", w.rooms.keys, keys)
	}
	w.rooms.got = nil
	for member, body := range map[string]string{
		"rooms":    `{"rooms":[],"type":"text/plain","content":"x"}`,
		"rooms[1]": `{"rooms":["/a","b"],"type":"text/plain","content":"x"}`,
		"content":  `{"rooms":["/a"],"type":"text/plain"}`,
		"domain":   `{"rooms":["/a"],"domain":"evil.org","type":"text/plain","content":"x"}`,
		"from":     `{"rooms":["/a"],"from":"rui@evil.org","type":"text/plain","content":"x"}`,
	} {
		if a := w.do(allKey, "POST", "/v1/rooms/messages", body); a.Code < 400 || a.member != member {
			t.Errorf("%s: %d %s", body, a.Code, a.Body)
		}
	}
	w.want("content that is not what its type says", w.do(allKey, "POST", "/v1/rooms/messages", `{"rooms":["/a"],"type":"text/plain","content":{}}`), 400, kindRefused)
	if len(w.rooms.got) > 0 {
		t.Errorf("published all the same: %q", w.rooms.got)
	}
}

func TestAGroupIsSentToByItsServer(t *testing.T) {
	w := newWorld(t)
	w.want("by its address", w.do(allKey, "POST", "/v1/groups/dev@groups.other.org/messages", `{"type":"text/plain","content":"x","id":"1"}`), 200, "")
	if got, want := w.sender.last(), `{"id":"1","from":"postmaster@other.org/~run","to":"dev@groups.other.org","type":"text/plain","content":"x"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, bad := range []string{"dev@t.org", "dev", "@groups.t.org"} {
		w.want(bad, w.do(allKey, "POST", "/v1/groups/"+bad+"/messages", `{"type":"text/plain","content":"x"}`), 400, kindInvalid)
	}
	w.want("of another domain", w.do(allKey, "POST", "/v1/groups/dev@groups.evil.org/messages", `{"type":"text/plain","content":"x"}`), 403, kindForbidden)
}

func TestWhoMaySendMayNotSendToGroups(t *testing.T) {
	w := newWorld(t)
	for to, status := range map[string]int{
		"g@groups.t.org": 403, "g@GROUPS.t.org": 403, "g@groups.other.org": 403,
		"g@t.org": 202, "g@groups.t.org/ana%40t.org": 202, // the latter is one of those who sent to it
	} {
		body := `{"to":"` + to + `","type":"text/plain","content":"x","wait":"none"}`
		if a := w.do(sendKey, "POST", "/v1/messages", body); a.Code != status {
			t.Errorf("%s: %d %s", to, a.Code, a.Body)
		}
	}
	a := w.do(sendKey, "POST", "/v1/batch", `{"operations":[{"method":"POST","path":"/v1/messages","body":{"to":"g@groups.t.org","type":"text/plain","content":"x","wait":"none"}}]}`)
	if !strings.Contains(a.Body.String(), `"status":403`) {
		t.Errorf("in a batch: %s", a.Body)
	}
	w.want("with both", w.do(allKey, "POST", "/v1/messages", `{"to":"g@groups.t.org","type":"text/plain","content":"x","wait":"none"}`), 202, "")
}

func TestADomainThatIsServedNoMoreIsNoKeys(t *testing.T) {
	w := newWorld(t)
	w.keys.all["old"] = Key{ID: "old", Scopes: Scopes(), Domains: []string{"gone.org", "t.org"}}
	const content = `"type":"text/plain","content":"x"}`
	for _, o := range [][2]string{
		{"/v1/messages", `{"to":"ana@t.org",` + content},
		{"/v1/rooms/messages", `{"rooms":["/a"],` + content},
		{"/v1/commands", `{"method":"get","uri":"/account"}`},
		{"/v1/commands", `{"to":"ana@t.org/1","method":"get","uri":"/x"}`},
	} {
		if a := w.want(o[0], w.do("old", "POST", o[0], o[1]), 403, kindForbidden); a.member != "domain" {
			t.Errorf("%s: %s", o[0], a.Body)
		}
	}
	w.want("one that is named", w.do("old", "POST", "/v1/messages", `{"to":"ana@t.org","domain":"t.org",`+content), 200, "")
	if len(w.rooms.got)+len(w.resources.asked) > 0 {
		t.Errorf("done: %v %v", w.rooms.got, w.resources.asked)
	}
}

func TestSessionsAreSeenAndEnded(t *testing.T) {
	w := newWorld(t)
	if a := w.want("presence", w.do(allKey, "GET", "/v1/identities/Ana@t.org/presence", ""), 200, ""); a.body["status"] != "available" {
		t.Errorf("%v", a.body)
	}
	a := w.want("sessions", w.do(allKey, "GET", "/v1/identities/ana@t.org/sessions", ""), 200, "")
	if all := a.body["sessions"].([]any); len(all) != 2 {
		t.Errorf("%v", all)
	}
	w.want("of nobody", w.do(allKey, "GET", "/v1/identities/rui@t.org/sessions", ""), 200, "")
	w.want("one is ended", w.do(allKey, "DELETE", "/v1/identities/ana@t.org/sessions/hOME?code=34&description=Too%20much", ""), 200, "")
	w.want("one that is not there", w.do(allKey, "DELETE", "/v1/identities/ana@t.org/sessions/a%2F..%2Fb", ""), 404, kindNotFound)
	if want := []string{"ana@t.org/Home: Too much (code 34)"}; !slices.Equal(w.sessions.ended, want) {
		t.Errorf("ended %q", w.sessions.ended)
	}
	a = w.want("all are ended", w.do(allKey, "DELETE", "/v1/identities/ana@t.org/sessions", ""), 200, "")
	if len(a.body["ended"].([]any)) != 2 || len(w.sessions.ended) != 3 {
		t.Errorf("%v, %q", a.body, w.sessions.ended)
	}
	for _, bad := range []string{"?code=0", "?code=x", "?code=70000", "?why=x", "?description=" + strings.Repeat("x", 300)} {
		w.want(bad, w.do(allKey, "DELETE", "/v1/identities/ana@t.org/sessions"+bad, ""), 400, kindInvalid)
	}
	w.sessions.err = ErrUnavailable
	w.want("nobody can tell", w.do(allKey, "GET", "/v1/identities/ana@t.org/sessions", ""), 503, kindUnavailable)
}

func TestAnInboxIsReadInPagesAndPurged(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.inboxes.all = append(w.inboxes.all, Waiting{Sequence: uint64(10 * (i + 1)), Stored: time.Now(), Envelope: json.RawMessage(`{"id":"x"}`)})
	}
	const at = "/v1/identities/ana@t.org/inbox"
	var got []float64
	for next := "?take=2"; next != ""; {
		a := w.want(next, w.do(allKey, "GET", at+next, ""), 200, "")
		for _, m := range a.body["messages"].([]any) {
			got = append(got, m.(map[string]any)["sequence"].(float64))
		}
		next = ""
		if n, ok := a.body["next"]; ok {
			text, _ := json.Marshal(n)
			next = "?take=2&from=" + string(text)
		}
	}
	if !slices.Equal(got, []float64{10, 20, 30, 40, 50}) {
		t.Errorf("read %v", got)
	}
	w.want("one", w.do(allKey, "DELETE", at+"/20", ""), 204, "")
	w.want("it is gone", w.do(allKey, "DELETE", at+"/20", ""), 404, kindNotFound)
	if a := w.want("up to", w.do(allKey, "DELETE", at+"?through=30", ""), 200, ""); a.body["purged"] != 2.0 {
		t.Errorf("%v", a.body)
	}
	if a := w.want("the rest", w.do(allKey, "DELETE", at, ""), 200, ""); a.body["purged"] != 2.0 {
		t.Errorf("%v", a.body)
	}
	w.want("an empty one", w.do(allKey, "GET", at, ""), 200, "")
	for _, bad := range []string{"?take=0", "?take=501", "?take=-1", "?take=x", "?from=0", "?from=99999999999999999999", "?through=1"} {
		w.want(bad, w.do(allKey, "GET", at+bad, ""), 400, kindInvalid)
	}
	w.want("no sequence", w.do(allKey, "DELETE", at+"/x", ""), 400, kindInvalid)
}

func TestAccountsAreLIMEsOwn(t *testing.T) {
	w := newWorld(t)
	a := w.want("made", w.do(allKey, "POST", "/v1/accounts", `{"identity":"ana@t.org","password":"secret","properties":{"fullName":"Ana"}}`), 201, "")
	if a.Header().Get("Location") != "/v1/accounts/ana@t.org" {
		t.Errorf("it is at %q", a.Header().Get("Location"))
	}
	w.want("read", w.do(allKey, "GET", "/v1/accounts/ana@t.org", ""), 200, "")
	w.want("changed", w.do(allKey, "PATCH", "/v1/accounts/ana%40t.org", `{"password":"other","properties":{"city":"Porto"}}`), 200, "")
	w.want("keys", w.do(allKey, "GET", "/v1/accounts/ana@t.org/keys", ""), 200, "")
	w.want("a key", w.do(allKey, "POST", "/v1/accounts/ana@t.org/keys", `{"name":"a"}`), 201, "")
	w.want("no key", w.do(allKey, "DELETE", "/v1/accounts/ana@t.org/keys/a%2Fb", ""), 204, "")
	w.want("deleted", w.do(allKey, "DELETE", "/v1/accounts/ana@t.org", ""), 204, "")
	want := []string{
		`ana@t.org guest=true set /account {"fullName":"Ana","password":"c2VjcmV0"}`, `ana@t.org guest=false get /account `,
		`ana@t.org guest=false get /account `,
		`ana@t.org guest=false get /account `, `ana@t.org guest=false merge /account {"city":"Porto","password":"b3RoZXI="}`, `ana@t.org guest=false get /account `,
		`ana@t.org guest=false get /account/keys `, `ana@t.org guest=false set /account/keys {"name":"a"}`,
		`ana@t.org guest=false delete /account/keys/a%2Fb `, `ana@t.org guest=false delete /account `,
	}
	if !slices.Equal(w.resources.asked, want) {
		t.Errorf("asked:\n%s", strings.Join(w.resources.asked, "\n"))
	}
	for _, row := range []struct {
		body, member string
		status       int
	}{
		{`{"password":"x"}`, "identity", 400},
		{`{"identity":"ana@evil.org","password":"x"}`, "identity", 403},
		{`{"identity":"ana@t.org/1","password":"x"}`, "identity", 400},
		{`{"identity":"ana@t.org"}`, "password", 400},
		{`{"identity":"ana@t.org","password":"x","properties":{"accessKey":"x"}}`, "properties", 400},
		{`{"identity":"ana@t.org","password":"x","properties":[]}`, "properties", 400},
	} {
		if a := w.do(allKey, "POST", "/v1/accounts", row.body); a.Code != row.status || a.member != row.member {
			t.Errorf("%s: %d %s", row.body, a.Code, a.Body)
		}
	}
	w.resources.answers["set /account"] = Answer{Reason: lime.NewReason(66, "There is one")}
	w.want("there is one", w.do(allKey, "POST", "/v1/accounts", `{"identity":"ana@t.org","password":"x"}`), 409, kindRefused)
	w.resources.answers["get /account"] = Answer{Reason: lime.NewReason(67, "There is none")}
	w.want("there is none", w.do(allKey, "PATCH", "/v1/accounts/ana@t.org", `{"password":"x"}`), 404, kindRefused)
	w.resources.silent = true
	w.want("nobody answers", w.do(allKey, "GET", "/v1/accounts/ana@t.org", ""), 503, kindUnavailable)
}

func TestKeysMakeOnlyLesserOnes(t *testing.T) {
	w := newWorld(t)
	a := w.want("made", w.do(allKey, "POST", "/v1/keys", `{"name":"ops","scopes":["keys","send"],"domains":["T.org"],"expires":"2999-01-02T03:04:05Z"}`), 201, "")
	ops, _ := a.body["key"].(string)
	if a.body["domains"].([]any)[0] != "t.org" {
		t.Errorf("%v", a.body)
	}
	for body, status := range map[string]int{
		`{"name":"x","scopes":["send"],"domains":["t.org"],"expires":"2999-01-02T03:04:05Z"}`: 201,
		`{"name":"x","scopes":["send"],"domains":["t.org"],"expires":"2999-01-02T03:04:06Z"}`: 403,
		`{"name":"x","scopes":["send"],"domains":["t.org"]}`:                                  403,
		`{"name":"x","scopes":["inbox"],"domains":["t.org"]}`:                                 403,
		`{"name":"x","scopes":["send"],"domains":["other.org"]}`:                              403,
		`{"name":"x","scopes":["send"]}`:                                                      403,
		`{"scopes":["send"],"domains":["t.org"]}`:                                             400,
		`{"name":"x","scopes":[],"domains":["t.org"]}`:                                        400,
		`{"name":"x","scopes":["send","send"],"domains":["t.org"]}`:                           400,
		`{"name":"x","scopes":["root"],"domains":["t.org"]}`:                                  400,
		`{"name":"x","scopes":["send"],"domains":["evil.org"]}`:                               400,
		`{"name":"x","scopes":["send"],"expires":"2001-01-02T03:04:05Z"}`:                     400,
		`{"name":"x","scopes":["send"],"expires":"tomorrow"}`:                                 400,
		`{"name":"` + strings.Repeat("x", 65) + `","scopes":["send"]}`:                        400,
		`{"name":"x","scopes":["send"],"domains":["t.org"],"key":"my choice"}`:                400,
	} {
		if a := w.do(ops, "POST", "/v1/keys", body); a.Code != status {
			t.Errorf("%s: %d %s", body, a.Code, a.Body)
		}
	}
	a = w.want("it sees its own and lesser ones", w.do(ops, "GET", "/v1/keys", ""), 200, "")
	if strings.Contains(a.Body.String(), `"all"`) || strings.Contains(a.Body.String(), "secret") || len(a.body["keys"].([]any)) != 3 {
		t.Errorf("%s", a.Body)
	}
	w.want("it cannot revoke a greater one", w.do(ops, "DELETE", "/v1/keys/all", ""), 404, kindNotFound)
	w.want("it can revoke a lesser one", w.do(ops, "DELETE", "/v1/keys/send", ""), 204, "")
	w.want("which counts no more", w.do(sendKey, "POST", "/v1/messages", `{}`), http.StatusUnauthorized, kindUnknownKey)
	w.want("nor is there another", w.do(ops, "DELETE", "/v1/keys/send", ""), 404, kindNotFound)
}

func TestABatchKeepsItsOrder(t *testing.T) {
	w := newWorld(t)
	message := func(id string) string {
		return `{"method":"POST","path":"/v1/messages","body":{"to":"ana@t.org","id":"` + id + `","type":"text/plain","content":"x","wait":"none"}}`
	}
	body := `{"operations":[` + strings.Join([]string{
		message("1"), `{"method":"GET","path":"/v1/identities/ana%40t.org/sessions/2"}`, `{"method":"GET","path":"/v1/nothing"}`,
		`{"method":"GET","path":"/v1/identities/ana%40t.org/inbox?take=x"}`, `{"method":"DELETE","path":"/v1/identities/ana%40t.org/sessions/2"}`,
		`{"method":"POST","path":"/v1/batch","body":{}}`, `{"method":"GET","path":"http://evil.org/v1/keys"}`, `7`,
		`{"method":"GET","path":"/v1/../v1/keys"}`, `{"method":"GET","path":"/openapi.json"}`, message("2"),
	}, ",") + `]`
	results := func(a answer) (all []int) {
		for _, r := range a.body["results"].([]any) {
			all = append(all, int(r.(map[string]any)["status"].(float64)))
		}
		return all
	}
	a := w.want("each has its result", w.do(allKey, "POST", "/v1/batch", body+`}`), 200, "")
	if want := []int{202, 405, 404, 400, 200, 400, 400, 400, 404, 400, 202}; !slices.Equal(results(a), want) {
		t.Errorf("%v, want %v: %s", results(a), want, a.Body)
	}
	if len(w.sender.sent) != 2 || !strings.Contains(w.sender.sent[1], `"id":"2"`) {
		t.Errorf("sent %q", w.sender.sent)
	}
	a = w.want("it stops", w.do(allKey, "POST", "/v1/batch", body+`,"stopAtFailure":true}`), 200, "")
	if want := []int{202, 405, 424, 424, 424, 424, 424, 424, 424, 424, 424}; !slices.Equal(results(a), want) {
		t.Errorf("%v, want %v", results(a), want)
	}
	a = w.want("each needs its scope", w.do(sendKey, "POST", "/v1/batch", `{"operations":[{"method":"GET","path":"/v1/keys"},`+message("3")+`]}`), 200, "")
	if want := []int{403, 202}; !slices.Equal(results(a), want) {
		t.Errorf("%v, want %v", results(a), want)
	}
	w.want("none", w.do(allKey, "POST", "/v1/batch", `{"operations":[]}`), 400, kindInvalid)
	w.inboxes.all = []Waiting{{Sequence: 1, Stored: time.Unix(0, 0), Envelope: json.RawMessage(`{"content":"` + strings.Repeat("x", 1<<20) + `"}`)}}
	a = w.want("its answers are bounded together", w.do(allKey, "POST", "/v1/batch",
		`{"operations":[`+strings.Repeat(`{"method":"GET","path":"/v1/identities/ana@t.org/inbox"},`, 99)+message("4")+`]}`), 200, "")
	if all := results(a); slices.Index(all, 503) != 8 || all[98] != 503 || all[99] != 503 || a.Body.Len() > 10<<20 {
		t.Errorf("%v, %d bytes", all, a.Body.Len())
	}
	w.want("too many", w.do(allKey, "POST", "/v1/batch", `{"operations":[`+strings.Repeat("7,", 100)+`7]}`), 400, kindInvalid)
}
