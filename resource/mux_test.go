package resource_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/resource"
)

func TestPingIsAnswered(t *testing.T) { // L-CMD-10
	s := newServer(t)
	for _, uri := range []string{"/ping", "/Ping/", "lime://example.org/ping", "lime://postmaster@example.org/ping"} {
		res := s.do(home, lime.MethodGet, uri, "")
		want(t, uri, res, 0)
		if res.Type != lime.MediaPing || string(res.Resource) != "{}" {
			t.Errorf("%s: %s %s", uri, res.Type, res.Resource)
		}
	}
}

func TestResponseIsWrittenWithoutURI(t *testing.T) { // L-CMD-02, L-CMD-03
	s := newServer(t)
	for uri, text := range map[string]string{
		"/ping": `{"status":"success","type":"application/vnd.lime.ping+json","resource":{}}`,
		"/nope": `{"status":"failure","reason":{"code":62,"description":"No handler for /nope"}}`,
	} {
		b, err := json.Marshal(s.do(home, lime.MethodGet, uri, ""))
		if err != nil || string(b) != text {
			t.Errorf("%s is answered %s, %v, want %s", uri, b, err, text)
		}
	}
}

func TestWhatNobodyHandles(t *testing.T) { // L-CMD-04
	s := newServer(t)
	for _, uri := range []string{"/nope", "/", "/account/x", "/account/keys/x/y", "/accounts/x/y", "/contacts"} {
		want(t, uri, s.do(home, lime.MethodGet, uri, ""), lime.CodeCommandResourceNotSupported)
	}
	for _, method := range []lime.Method{lime.MethodSet, lime.MethodDelete, lime.MethodSubscribe, 0, 99} {
		want(t, method.String(), s.do(home, method, "/ping", "{}"), lime.CodeCommandMethodNotSupported)
	}
	want(t, "subscribe", s.do(home, lime.MethodSubscribe, "/account", ""), lime.CodeCommandMethodNotSupported)
}

func TestWhatIsNeverAnswered(t *testing.T) { // L-CMD-07, L-CMD-08
	s := newServer(t)
	observe := request(t, home, lime.MethodObserve, "/account", "{}")
	nameless := request(t, ana, lime.MethodSet, "/account", `{`+s3cret+`}`)
	nameless.ID = ""
	unknown := request(t, home, lime.MethodObserve, "/nope", "{}")
	for _, r := range []resource.Request{observe, nameless, unknown} {
		if res, ok := s.mux.Serve(t.Context(), r); ok {
			t.Errorf("%v is answered %+v", r, res)
		}
	}
	if len(s.book.accounts) != 0 {
		t.Error("a command without an id was obeyed")
	}
}

func TestHandlerThatBreaksCostsItsCommandOnly(t *testing.T) {
	var out bytes.Buffer
	log := logrus.New()
	log.SetOutput(&out)
	reg := prometheus.NewRegistry()
	m, err := resource.New(resource.Config{Logger: log, Metrics: reg})
	if err != nil {
		t.Fatal(err)
	}
	m.Handle(lime.MethodGet, "/panic", func(context.Context, resource.Request) (resource.Document, error) {
		panic("no such thing")
	})
	m.Handle(lime.MethodGet, "/error", func(context.Context, resource.Request) (resource.Document, error) {
		return resource.Document{Type: "text/plain"}, errors.New("out of order")
	})
	for path, logged := range map[string]string{"/panic": "no such thing", "/error": "out of order"} {
		out.Reset()
		res, ok := m.Serve(t.Context(), request(t, home, lime.MethodGet, path, ""))
		if !ok {
			t.Fatalf("%s is not answered", path)
		}
		want(t, path, res, lime.CodeCommandProcessingError)
		if strings.Contains(res.Reason.Description, logged) {
			t.Errorf("%s: the client is told %q", path, res.Reason.Description)
		}
		if strings.Count(out.String(), "level=error") != 1 || !strings.Contains(out.String(), logged) ||
			!strings.Contains(out.String(), home) {
			t.Errorf("%s: logged %q", path, &out)
		}
	}
	_, _ = m.Serve(t.Context(), request(t, home, lime.MethodGet, "/chosen-by-a-client", ""))
	if got := paths(t, reg); got != "/error /panic other" {
		t.Errorf("the metric has the paths %s", got)
	}
}

func paths(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "path" {
					all = append(all, l.GetValue())
				}
			}
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

func TestMistakesOfTheProgramShowAtOnce(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := resource.New(resource.Config{Metrics: reg})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resource.New(resource.Config{Metrics: reg}); err == nil {
		t.Error("the same metrics are registered twice")
	}
	resource.HandlePing(m)
	defer func() {
		if recover() == nil {
			t.Error("/ping has two handlers")
		}
	}()
	resource.HandlePing(m)
}
