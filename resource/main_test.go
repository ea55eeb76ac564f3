package resource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"limegrove/lime"
	"limegrove/resource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a mux with every resource, over accounts in memory.
type server struct {
	t           testing.TB
	mux         *resource.Mux
	book        *book
	directory   directory
	delegations delegations
}

func newServer(t testing.TB) *server {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	s := &server{t: t, book: &book{accounts: map[lime.Identity]entry{}}, directory: directory{}, delegations: delegations{}}
	var err error
	if s.mux, err = resource.New(resource.Config{Permits: s.delegations.Allows, Logger: log}); err != nil {
		t.Fatal(err)
	}
	resource.HandleDelegations(s.mux, s.delegations)
	resource.HandlePing(s.mux)
	resource.HandlePresence(s.mux, &sights{})
	resource.HandleAccount(s.mux, resource.Publishing(s.book, s.directory), []string{"localhost", "Example.org"})
	resource.HandleDirectory(s.mux, s.book, s.directory)
	resource.HandleKeys(s.mux, s.book)
	return s
}

// request is "method uri" of a person, with the resource if it is not "".
func request(t testing.TB, from string, method lime.Method, uri, body string) resource.Request {
	t.Helper()
	u, err := lime.ParseURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	r := resource.Request{ID: "c-1", From: lime.MustParseNode(from), Method: method, URI: u}
	if body != "" {
		r.Type, r.Resource = lime.MediaAccount, json.RawMessage(body)
	}
	return r
}

func (s *server) do(from string, method lime.Method, uri, body string) resource.Response {
	s.t.Helper()
	return s.serve(request(s.t, from, method, uri, body))
}

// register is a guest's set /account for the identity.
func (s *server) register(identity, body string) resource.Response {
	s.t.Helper()
	r := request(s.t, identity, lime.MethodSet, "/account", body)
	r.PP, r.Guest = lime.MustParseNode("5f0c8b1e@example.org/web"), true
	return s.serve(r)
}

func (s *server) serve(r resource.Request) resource.Response {
	s.t.Helper()
	res, ok := s.mux.Serve(context.Background(), r)
	if !ok {
		s.t.Fatalf("%v was not answered", r)
	}
	return res
}

// want fails the test unless the response has the code; 0 is success.
func want(t testing.TB, what string, res resource.Response, code lime.Code) {
	t.Helper()
	switch {
	case code == 0 && (res.Status != lime.CommandSuccess || res.Reason != nil):
		t.Errorf("%s: %s %v, want success", what, res.Status, res.Reason)
	case code != 0 && (res.Status != lime.CommandFailure || res.Reason == nil || res.Reason.Code != code):
		t.Errorf("%s: %s %v, want code %d", what, res.Status, res.Reason, code)
	}
}

// book is accounts in memory, by folded identity.
type book struct {
	accounts map[lime.Identity]entry
	err      error             // when not nil, of every call
	refused  error             // when not nil, of every Update
	behind   *resource.Account // when not nil, what Get finds
}

type entry struct {
	account   resource.Account
	password  string
	accessKey string
	keys      []resource.Key
}

func (b *book) find(id lime.Identity) (entry, error) {
	e, ok := b.accounts[id.Fold()]
	if b.err != nil {
		return e, b.err
	}
	if !ok {
		return e, fmt.Errorf("%s: %w", id, &lime.Reason{Code: lime.CodeCommandResourceNotFound})
	}
	return e, nil
}

func (b *book) Get(_ context.Context, id lime.Identity) (resource.Account, error) {
	e, err := b.find(id)
	if b.behind != nil && err == nil {
		return *b.behind, nil
	}
	return e.account, err
}

func (b *book) Latest(_ context.Context, id lime.Identity) (resource.Account, error) {
	e, err := b.find(id)
	return e.account, err
}

func (b *book) Create(_ context.Context, a resource.Account, password []byte) error {
	if _, err := b.find(a.Identity); err == nil {
		return &lime.Reason{Code: lime.CodeCommandNotAllowed}
	}
	if len(password) == 0 {
		return &lime.Reason{Code: lime.CodeCommandInvalidArgument}
	}
	a.Created = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	b.accounts[a.Identity.Fold()] = entry{account: a, password: string(password)}
	return b.err
}

func (b *book) Update(_ context.Context, id lime.Identity, secrets resource.Secrets, change func(*resource.Account) error) error {
	e, err := b.find(id)
	if err != nil {
		return err
	}
	if err := change(&e.account); err != nil {
		return err
	}
	if b.refused != nil {
		return b.refused
	}
	if secrets.Password != nil {
		e.password = string(secrets.Password)
	}
	if secrets.AccessKey != nil {
		e.accessKey = string(secrets.AccessKey)
	}
	b.accounts[id.Fold()] = e
	return nil
}

func (b *book) Delete(_ context.Context, id lime.Identity) error {
	_, err := b.find(id)
	delete(b.accounts, id.Fold())
	return err
}

func (b *book) Verify(_ context.Context, id lime.Identity, password []byte) error {
	if e, err := b.find(id); err != nil || e.password != string(password) {
		return &lime.Reason{Code: lime.CodeSessionAuthenticationFailed}
	}
	return nil
}

func (b *book) VerifyAccessKey(_ context.Context, id lime.Identity, key []byte) error {
	if e, err := b.find(id); err != nil || e.accessKey == "" || e.accessKey != string(key) {
		return &lime.Reason{Code: lime.CodeSessionAuthenticationFailed}
	}
	return nil
}

// directory is what is published, in memory.
type directory map[lime.Identity]json.RawMessage

func (d directory) Publish(ctx context.Context, id lime.Identity, document func(context.Context) (json.RawMessage, error)) error {
	b, err := document(ctx)
	switch {
	case err != nil:
		return err
	case b == nil:
		delete(d, id.Fold())
	default:
		d[id.Fold()] = b
	}
	return nil
}

func (d directory) Published(_ context.Context, id lime.Identity) (json.RawMessage, error) {
	return d[id.Fold()], nil
}

func (d directory) List(_ context.Context, domain string) (all []json.RawMessage, _ error) {
	names := slices.Collect(maps.Keys(d))
	slices.SortFunc(names, func(a, b lime.Identity) int { return strings.Compare(a.Name, b.Name) })
	for _, id := range names {
		if strings.EqualFold(id.Domain, domain) {
			all = append(all, d[id])
		}
	}
	return all, nil
}
