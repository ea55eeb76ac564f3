package api

import (
	"strings"
	"testing"
)

// FuzzBodies holds what is answered to any body against the document, as all tests do. None of them is our
// fault, and what is sent is an envelope.
func FuzzBodies(f *testing.F) {
	paths := []string{"/v1/messages", "/v1/notifications", "/v1/commands", "/v1/rooms/messages", "/v1/groups/g@groups.t.org/messages", "/v1/accounts", "/v1/accounts/ana@t.org/keys", "/v1/keys", "/v1/batch"}
	for i, body := range []string{
		aMessage, `{"to":"ana@t.org","id":"1","event":"failed","reason":{"code":1}}`, `{"to":"ana@t.org/1","method":"set","uri":"/x","type":"a/b+json","resource":{}}`,
		`{"rooms":["/a/*",{"x":[1.5e3,null]}],"matching":true,"type":"text/plain","content":"x"}`, `{"type":"application/json","content":{"a":1}}`,
		`{"identity":"ana@t.org","password":"x","properties":{"fullName":"Ana"}}`, `{"name":"x"}`, `{"name":"x","scopes":["send"],"expires":"2999-01-01T00:00:00Z"}`,
		`{"operations":[{"method":"GET","path":"/v1/keys?x"},{"method":"POST","path":"/v1/messages","body":` + aMessage + `}],"stopAtFailure":true}`,
	} {
		f.Add(uint8(i), body)
	}
	w := newWorld(f, func(c *Config) { c.Rate = -1 })
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		w.TB = t
		w.sender.sent, w.resources.asked, w.rooms.got = nil, nil, nil
		path := paths[int(which)%len(paths)]
		if a := w.do(allKey, "POST", path, body); a.Code >= 500 || a.Code == 401 {
			t.Errorf("%s %s: %d %s", path, body, a.Code, a.Body)
		}
		for _, envelope := range w.sender.sent {
			if !strings.HasPrefix(envelope, "{") || strings.Contains(envelope, "\n") {
				t.Errorf("%s %s sends %s", path, body, envelope)
			}
		}
	})
}
