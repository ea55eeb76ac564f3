package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

// fakeConnectors are two that are connected, of which kiosk has a token.
type fakeConnectors struct {
	partial bool
	asked   []string
	err     error
}

func (f *fakeConnectors) Connected(context.Context) ([]Connector, bool, error) {
	if f.err != nil {
		return nil, false, f.err
	}
	return []Connector{{"Kiosk:7", "%4biosk%3a7@t.org", "10.0.0.9:40112", "edge-1"}}, !f.partial, nil
}

func (f *fakeConnectors) Lists(context.Context) (json.RawMessage, error) {
	return json.RawMessage(`{"black":{"names":["eve"]}}`), f.err
}

func (f *fakeConnectors) SetLists(_ context.Context, lists json.RawMessage) error {
	if strings.Contains(string(lists), "(") {
		return lime.NewReason(lime.CodeCommandInvalidArgument, "The list black has what is no regular expression")
	}
	f.asked = append(f.asked, string(lists))
	return f.err
}

func (f *fakeConnectors) TokenMade(_ context.Context, id lime.Identity) (time.Time, error) {
	if id.Name != "kiosk" {
		return time.Time{}, lime.NewReason(lime.CodeCommandResourceNotFound, "The name has no token")
	}
	return time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC), f.err
}

func (f *fakeConnectors) ImportToken(_ context.Context, id lime.Identity, hash string) error {
	f.asked = append(f.asked, fmt.Sprint("import ", id, " ", hash))
	return f.err
}

func (f *fakeConnectors) RemoveToken(_ context.Context, id lime.Identity) error {
	f.asked = append(f.asked, fmt.Sprint("remove ", id))
	return f.err
}

func TestConnectorsAreShownAndLetIn(t *testing.T) {
	f := &fakeConnectors{}
	w := newWorld(t, func(c *Config) { c.Connectors = f })
	a := w.want("connected", w.do(allKey, "GET", "/v1/connectors", ""), 200, "")
	if got := strings.TrimSpace(a.Body.String()); got != `{"connectors":[{"name":"Kiosk:7","identity":"%4biosk%3a7@t.org","address":"10.0.0.9:40112","edge":"edge-1"}]}` {
		t.Errorf("connected are %s", got)
	}
	f.partial = true
	if a := w.want("in part", w.do(allKey, "GET", "/v1/connectors", ""), 200, ""); a.body["partial"] != true {
		t.Errorf("connected are %s", a.Body)
	}
	w.want("the lists", w.do(allKey, "GET", "/v1/connectors/lists", ""), 200, "")
	w.want("others", w.do(allKey, "PUT", "/v1/connectors/lists", `{"ignored":{"names":["kiosk"]}}`), 200, "")
	w.want("none", w.do(allKey, "PUT", "/v1/connectors/lists", `{}`), 200, "")
	w.want("what is none", w.do(allKey, "PUT", "/v1/connectors/lists", `{"black":{"names":["("]}}`), 400, kindRefused)
	w.want("another member", w.do(allKey, "PUT", "/v1/connectors/lists", `{"grey":{}}`), 400, kindInvalid)
	const token = "/v1/identities/kiosk@t.org/connector-token"
	w.want("a token", w.do(allKey, "GET", token, ""), 200, "")
	w.want("of nobody", w.do(allKey, "GET", "/v1/identities/depot@t.org/connector-token", ""), 404, kindRefused)
	w.want("imported", w.do(allKey, "PUT", token, `{"hash":"00ff"}`), 204, "")
	w.want("removed", w.do(allKey, "DELETE", token, ""), 204, "")
	if got, want := strings.Join(f.asked, "\n"), `{"ignored":{"names":["kiosk"]}}`+"\n{}\nimport kiosk@t.org 00ff\nremove kiosk@t.org"; got != want {
		t.Errorf("asked was\n%s", got)
	}
	w.keys.all["of one"] = Key{ID: "one", Scopes: Scopes(), Domains: []string{"t.org"}}
	w.want("by a key of one domain", w.do("of one", "GET", "/v1/connectors", ""), 403, kindForbidden)
	w.want("lists by one", w.do("of one", "PUT", "/v1/connectors/lists", `{}`), 403, kindForbidden)
	w.want("a token by one", w.do("of one", "GET", token, ""), 200, "")
	f.err = ErrUnavailable
	w.want("nobody knows", w.do(allKey, "GET", "/v1/connectors", ""), 503, kindUnavailable)
	w = newWorld(t)
	w.want("where there are none", w.do(allKey, "GET", "/v1/connectors", ""), 503, kindUnavailable)
	w.want("no tokens either", w.do(allKey, "DELETE", token, ""), 503, kindUnavailable)
}
