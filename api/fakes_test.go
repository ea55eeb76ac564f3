package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/room"
)

// fakeKeys are keys in memory, by their texts.
type fakeKeys struct {
	mu  sync.Mutex
	all map[string]Key
	err error
}

func (f *fakeKeys) Verify(secret string) (Key, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k, ok := f.all[secret]
	return k, ok, f.err
}

func (f *fakeKeys) Add(_ context.Context, k Key) (Key, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) > 100 {
		return Key{}, "", ErrTooMany
	}
	k.ID = fmt.Sprintf("id%d", len(f.all))
	k.Created = time.Date(2031, 1, 2, 3, 4, len(f.all), 0, time.UTC)
	secret := "secret of " + k.ID
	f.all[secret] = k
	return k, secret, nil
}

func (f *fakeKeys) List(context.Context) ([]Key, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Key
	for _, k := range f.all {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

func (f *fakeKeys) Revoke(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for secret, k := range f.all {
		if k.ID == id {
			delete(f.all, secret)
			return nil
		}
	}
	return ErrNotFound
}

// fakeAnswers are answers in memory.
type fakeAnswers struct {
	mu     sync.Mutex
	claims map[string]*fakeAnswer
	err    error
}

type fakeAnswer struct {
	fingerprint []byte
	kept        *Kept
}

func (f *fakeAnswers) Begin(_ context.Context, key string, fingerprint []byte) (*Kept, Claim, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.claims[key]
	switch {
	case f.err != nil:
		return nil, Claim{}, f.err
	case one == nil:
		f.claims[key] = &fakeAnswer{fingerprint: fingerprint}
		return nil, Claim{Key: key, Print: fingerprint}, nil
	case !bytes.Equal(one.fingerprint, fingerprint):
		return nil, Claim{}, ErrMismatch
	case one.kept == nil:
		return nil, Claim{}, ErrRunning
	}
	return one.kept, Claim{}, nil
}

func (f *fakeAnswers) Finish(_ context.Context, c Claim, k Kept) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claims[c.Key].kept = &k
	return nil
}

func (f *fakeAnswers) Abandon(_ context.Context, c Claim) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.claims, c.Key)
	return nil
}

// fakeSender keeps what it is given, and tells what the test says.
type fakeSender struct {
	mu   sync.Mutex
	sent []string
	told []Told
	err  error
	late bool // waits for the context's end

	until lime.Event // of the last one
}

func (f *fakeSender) Node(domain string) (lime.Node, bool) {
	return lime.BackendNode(domain, "run"), true
}

func (f *fakeSender) Send(_ context.Context, _ string, envelope []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, string(envelope))
	return f.err
}

func (f *fakeSender) SendAndWait(ctx context.Context, domain string, envelope []byte, until lime.Event) ([]Told, error) {
	f.until = until
	if err := f.Send(ctx, domain, envelope); err != nil {
		return nil, err
	}
	if f.late {
		<-ctx.Done()
		return f.told, ctx.Err()
	}
	return f.told, nil
}

func (f *fakeSender) Ask(ctx context.Context, domain string, envelope []byte) (*lime.Command, error) {
	if err := f.Send(ctx, domain, envelope); err != nil {
		return nil, err
	}
	return &lime.Command{
		From: lime.MustParseNode("ana@t.org/1"), Status: lime.CommandSuccess, Type: "text/plain", Resource: json.RawMessage(`"yes"`),
	}, nil
}

func (f *fakeSender) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.sent) == 0 {
		return ""
	}
	return f.sent[len(f.sent)-1]
}

// fakeRooms keeps what is published.
type fakeRooms struct {
	mu   sync.Mutex
	got  []string
	keys []string
	err  error
}

func (f *fakeRooms) Publish(_ context.Context, domain string, n room.Name, wild bool, key string, envelope []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, fmt.Sprintf("%s %s %t %s", domain, n, wild, envelope))
	f.keys = append(f.keys, key)
	return f.err
}

// fakeSessions are ana's two sessions.
type fakeSessions struct {
	mu    sync.Mutex
	ended []string
	err   error
}

func (f *fakeSessions) Of(_ context.Context, id lime.Identity) ([]Session, lime.Presence, error) {
	if f.err != nil || !strings.EqualFold(id.Name, "ana") {
		return nil, lime.Presence{Status: lime.StatusUnavailable}, f.err
	}
	p := lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity, Priority: 2}
	return []Session{{Instance: "Home", ID: "s1", Edge: "e1", Presence: p}, {Instance: "2", ID: "s2", Edge: "e2", Guest: true}},
		lime.Presence{Status: lime.StatusAvailable, Instances: []string{"Home"}}, nil
}

func (f *fakeSessions) End(_ context.Context, id lime.Identity, s Session, why *lime.Reason) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, fmt.Sprintf("%s/%s: %v", id, s.Instance, why))
	return f.err
}

// fakeInboxes have what is in all.
type fakeInboxes struct {
	all []Waiting
	err error
}

func (f *fakeInboxes) Read(_ context.Context, _ lime.Identity, from uint64, most int) (page []Waiting, more bool, err error) {
	for _, w := range f.all {
		if w.Sequence < from {
			continue
		}
		if len(page) == most {
			return page, true, f.err
		}
		page = append(page, w)
	}
	return page, false, f.err
}

func (f *fakeInboxes) Purge(_ context.Context, _ lime.Identity, upTo uint64) (int, error) {
	before := len(f.all)
	f.all = slices.DeleteFunc(f.all, func(w Waiting) bool { return upTo == 0 || w.Sequence <= upTo })
	return before - len(f.all), f.err
}

func (f *fakeInboxes) Remove(_ context.Context, _ lime.Identity, sequence uint64) error {
	before := len(f.all)
	f.all = slices.DeleteFunc(f.all, func(w Waiting) bool { return w.Sequence == sequence })
	if len(f.all) == before {
		return ErrNotFound
	}
	return f.err
}

// fakeResources keeps what it is asked, and answers the next of answers, or success.
type fakeResources struct {
	mu      sync.Mutex
	asked   []string
	answers map[string]Answer // by method and URI
	silent  bool
}

func (f *fakeResources) Do(_ context.Context, o Order) (Answer, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprintf("%s guest=%t %s %s %s", o.Identity, o.Guest, o.Method, o.URI, o.Resource))
	if f.silent {
		return Answer{}, false
	}
	return f.answers[o.Method.String()+" "+o.URI], true
}
