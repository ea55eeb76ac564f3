package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"limegrove/lime"
)

// Keys that tests have.
const (
	allKey  = "everything"
	sendKey = "send for t.org"
	noKey   = ""
)

// world is a server over fakes. It holds each answer against the document.
type world struct {
	testing.TB
	*Server
	keys      *fakeKeys
	answers   *fakeAnswers
	sender    *fakeSender
	rooms     *fakeRooms
	sessions  *fakeSessions
	inboxes   *fakeInboxes
	resources *fakeResources
	counted   *prometheus.Registry
	described *document
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{
		TB: t, answers: &fakeAnswers{claims: map[string]*fakeAnswer{}},
		sender: &fakeSender{told: []Told{{Event: lime.EventAccepted, From: lime.MustParseNode("postmaster@t.org/#x")}}},
		rooms:  &fakeRooms{}, sessions: &fakeSessions{}, inboxes: &fakeInboxes{}, counted: prometheus.NewRegistry(),
		keys: &fakeKeys{all: map[string]Key{
			allKey:  {ID: "all", Name: "all", Scopes: Scopes(), Domains: []string{}},
			sendKey: {ID: "send", Name: "send", Scopes: []Scope{ScopeSend}, Domains: []string{"t.org"}},
		}},
		resources: &fakeResources{answers: map[string]Answer{
			"get /account":      {Type: lime.MediaAccount, Resource: json.RawMessage(`{"identity":"ana@t.org","creationDate":"2031-01-02T03:04:05.000Z","fullName":"Ana"}`)},
			"get /account/keys": {Resource: json.RawMessage(`{"total":1,"itemType":"x","items":[{"name":"a","created":"2031-01-02T03:04:05.000Z"}]}`)},
			"set /account/keys": {Resource: json.RawMessage(`{"name":"a","key":"c2VjcmV0","created":"2031-01-02T03:04:05.000Z"}`)},
		}},
		described: newDocument(t),
	}
	cfg := Config{
		Keys: w.keys, Answers: w.answers, Domains: []string{"t.org", "other.org"}, Sender: w.sender, Asker: w.sender, Rooms: w.rooms,
		Sessions: w.sessions, Inboxes: w.inboxes, Resources: w.resources, Metrics: w.counted,
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if w.Server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return w
}

// answer is what a request was answered.
type answer struct {
	*httptest.ResponseRecorder
	problem string // its kind; "" for none
	member  string
	code    lime.Code
	body    map[string]any
}

// do makes a request, and holds its answer against the document.
func (w *world) do(key, method, target, body string, headers ...string) answer {
	w.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.request(r)
}

func (w *world) request(r *http.Request) answer {
	w.Helper()
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	w.ServeHTTP(a, r)
	name, _ := w.route(r)
	w.described.check(w.TB, name, a.Code, a.Header().Get("Content-Type"), a.Body.Bytes())
	if a.Body.Len() > 0 && a.Header().Get("Content-Type") != "" {
		if err := json.Unmarshal(a.Body.Bytes(), &a.body); err != nil {
			w.Fatalf("%s %s: %v: %s", r.Method, r.URL, err, a.Body)
		}
	}
	kind, _ := a.body["type"].(string)
	if a.Header().Get("Content-Type") == typeProblem {
		a.problem = strings.TrimPrefix(kind, problemType)
		a.member, _ = a.body["member"].(string)
		code, _ := a.body["code"].(float64)
		a.code = lime.Code(code)
	}
	return a
}

// want fails when an answer has another status, or is another problem.
func (w *world) want(what string, a answer, status int, problem string) answer {
	w.Helper()
	if a.Code != status || a.problem != problem {
		w.Errorf("%s: %d %s (%s), want %d %s", what, a.Code, a.problem, strings.TrimSpace(a.Body.String()), status, problem)
	}
	return a
}

// document is the OpenAPI document with its schemas.
type document struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	ids      map[string]map[string]any // operations by their ids
}

const documentURL = "test:///openapi.json"

func newDocument(t testing.TB) *document {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Document))
	if err != nil {
		t.Fatal(err)
	}
	d := &document{doc: doc.(map[string]any), compiler: jsonschema.NewCompiler(), ids: map[string]map[string]any{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(documentURL, doc); err != nil {
		t.Fatal(err)
	}
	for _, item := range d.doc["paths"].(map[string]any) {
		for _, o := range item.(map[string]any) {
			o := o.(map[string]any)
			d.ids[o["operationId"].(string)] = o
		}
	}
	return d
}

// schema compiles a part of the document.
func (d *document) schema(t testing.TB, pointer string) *jsonschema.Schema {
	t.Helper()
	s, err := d.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		t.Fatalf("the schema %s: %v", pointer, err)
	}
	return s
}

// check holds an answer of an operation against the document.
func (d *document) check(t testing.TB, id string, status int, mediaType string, body []byte) {
	t.Helper()
	var pointer string
	if status >= 400 {
		if mediaType != typeProblem {
			t.Errorf("%s: %d has the type %q", id, status, mediaType)
			return
		}
		pointer = "/components/schemas/Problem"
	} else {
		o := d.ids[id]
		if o == nil {
			t.Errorf("%s: %d, and no operation is called that", id, status)
			return
		}
		r, ok := o["responses"].(map[string]any)[statusText(status)].(map[string]any)
		if !ok {
			t.Errorf("%s: %d is not in the document", id, status)
			return
		}
		content, _ := r["content"].(map[string]any)
		if content == nil {
			if len(body) > 0 {
				t.Errorf("%s: %d has a body: %s", id, status, body)
			}
			return
		}
		if mediaType != typeJSON {
			t.Errorf("%s: %d has the type %q", id, status, mediaType)
		}
		schema := content[typeJSON].(map[string]any)["schema"].(map[string]any)
		ref, ok := schema["$ref"].(string)
		if !ok {
			return
		}
		pointer = strings.TrimPrefix(ref, "#")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = d.schema(t, pointer).Validate(value)
	}
	if err != nil {
		t.Errorf("%s: %d: %v\n%s", id, status, err, body)
	}
}

// statusText is a status as the document has it.
func statusText(status int) string {
	return string([]byte{byte('0' + status/100), byte('0' + status/10%10), byte('0' + status%10)})
}

// eventually waits for what another goroutine brings about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not so", what)
		case <-time.After(time.Millisecond):
		}
	}
}
