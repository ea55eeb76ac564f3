package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// fakeWebhooks are one endpoint with dead letters.
type fakeWebhooks struct {
	letters []DeadLetter
	did     []string
	err     error
}

func (f *fakeWebhooks) List(context.Context) ([]Webhook, error) {
	return []Webhook{
		{Name: "push", URL: "https://x/y", Events: []string{"message.absent"}, Domains: []string{}, Behind: 3, Oldest: time.Now(), DeadLetters: len(f.letters)},
		{Name: "crm", URL: "https://x/z", Events: []string{"room.left"}, Domains: []string{"t.org"}},
	}, f.err
}

func (f *fakeWebhooks) Letters(_ context.Context, webhook string, from uint64, most int) (all []DeadLetter, next uint64, err error) {
	if webhook != "push" {
		return nil, 0, ErrNotFound
	}
	for _, l := range f.letters {
		switch {
		case l.Sequence < from:
		case len(all) == most:
			return all, l.Sequence, f.err
		default:
			all = append(all, l)
		}
	}
	return all, 0, f.err
}

func (f *fakeWebhooks) Replay(_ context.Context, webhook string, sequence uint64) (int, error) {
	return f.do("replay", webhook, sequence)
}

func (f *fakeWebhooks) Drop(_ context.Context, webhook string, sequence uint64) (int, error) {
	return f.do("drop", webhook, sequence)
}

func (f *fakeWebhooks) do(what, webhook string, sequence uint64) (int, error) {
	if webhook != "push" || sequence != 0 && !slices.ContainsFunc(f.letters, func(l DeadLetter) bool { return l.Sequence == sequence }) {
		return 0, ErrNotFound
	}
	before := len(f.letters)
	f.letters = slices.DeleteFunc(f.letters, func(l DeadLetter) bool { return sequence == 0 || l.Sequence == sequence })
	f.did = append(f.did, fmt.Sprintf("%s %d", what, sequence))
	return before - len(f.letters), f.err
}

func TestDeadLettersAreReadReplayedAndDropped(t *testing.T) {
	f := &fakeWebhooks{}
	w := newWorld(t, func(c *Config) { c.Webhooks = f })
	for i := range 6 {
		f.letters = append(f.letters, DeadLetter{Sequence: uint64(i + 1), At: time.Now(), Reason: "expired: x", Event: json.RawMessage(`{"id":"e"}`)})
	}
	const at = "/v1/webhooks/push/dead-letters"
	a := w.want("how they do", w.do(allKey, "GET", "/v1/webhooks", ""), 200, "")
	if push := a.body["webhooks"].([]any)[0].(map[string]any); push["deadLetters"] != 6.0 || push["behind"] != 3.0 || push["oldest"] == nil {
		t.Errorf("%v", push)
	}
	a = w.want("a page", w.do(allKey, "GET", at+"?take=4", ""), 200, "")
	if len(a.body["deadLetters"].([]any)) != 4 || a.body["next"] != 5.0 {
		t.Errorf("%v", a.body)
	}
	a = w.want("the next one", w.do(allKey, "GET", at+"?take=4&from=5", ""), 200, "")
	if len(a.body["deadLetters"].([]any)) != 2 || a.body["next"] != nil {
		t.Errorf("%v", a.body)
	}
	w.want("one again", w.do(allKey, "POST", at+"/2/replay", ""), 204, "")
	w.want("it is none any more", w.do(allKey, "POST", at+"/2/replay", ""), 404, kindNotFound)
	w.want("one away", w.do(allKey, "DELETE", at+"/3", ""), 204, "")
	w.want("no sequence", w.do(allKey, "DELETE", at+"/x", ""), 400, kindInvalid)
	w.want("none is zero", w.do(allKey, "POST", at+"/0/replay", ""), 400, kindInvalid)
	if a = w.want("all again", w.do(allKey, "POST", at+"/replay", ""), 200, ""); a.body["replayed"] != 4.0 {
		t.Errorf("%v", a.body)
	}
	if a = w.want("all away", w.do(allKey, "DELETE", at, ""), 200, ""); a.body["purged"] != 0.0 {
		t.Errorf("%v", a.body)
	}
	w.want("none", w.do(allKey, "GET", at, ""), 200, "")
	if want := []string{"replay 2", "drop 3", "replay 0", "drop 0"}; !slices.Equal(f.did, want) {
		t.Errorf("did %q, want %q", f.did, want)
	}
	w.want("another endpoint", w.do(allKey, "GET", "/v1/webhooks/x/dead-letters", ""), 404, kindNotFound)
	w.want("a parameter", w.do(allKey, "DELETE", at+"?through=1", ""), 400, kindInvalid)
	f.err = ErrUnavailable
	w.want("JetStream is away", w.do(allKey, "GET", at, ""), 503, kindUnavailable)
}

func TestWebhooksAreForKeysOfAllDomains(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Webhooks = &fakeWebhooks{} })
	w.keys.all["some"] = Key{ID: "some", Name: "some", Scopes: []Scope{ScopeWebhooks}, Domains: []string{"t.org"}}
	w.want("of some domains", w.do("some", "GET", "/v1/webhooks", ""), 403, kindForbidden)
	w.want("of another scope", w.do(sendKey, "GET", "/v1/webhooks", ""), 403, kindForbidden)
	w.want("a router that tells nobody", newWorld(t).do(allKey, "DELETE", "/v1/webhooks/push/dead-letters", ""), 503, kindUnavailable)
}
