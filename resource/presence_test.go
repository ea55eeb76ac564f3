package resource_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"limegrove/lime"
	"limegrove/resource"
)

// sights is what is to be seen of people, in memory.
type sights struct {
	shares     map[string]bool // "owner with", folded
	subscribed map[string]bool // "subscriber target", likewise
	err        error           // when not nil, of every call
}

func both(a, b lime.Identity) string { return a.Fold().String() + " " + b.Fold().String() }

func (s *sights) Presence(_ context.Context, owner lime.Identity, instance string) (lime.Presence, error) {
	if instance != "" {
		return lime.Presence{Status: lime.StatusBusy, Message: "at " + instance, Priority: 2}, s.err
	}
	return lime.Presence{Status: lime.StatusAway, Message: owner.String(), Instances: []string{"home"}}, s.err
}

func (s *sights) SharesPresence(_ context.Context, owner, with lime.Identity) (bool, error) {
	return s.shares[both(owner, with)], s.err
}

func (s *sights) Subscribe(_ context.Context, subscriber, target lime.Identity) error {
	if s.err == nil && !s.shares[both(target, subscriber)] {
		return lime.NewReason(lime.CodeAuthorizationPermissionRequired, "%s is not told", subscriber)
	}
	s.subscribed[both(subscriber, target)] = true
	return s.err
}

func (s *sights) Unsubscribe(_ context.Context, subscriber, target lime.Identity) (bool, error) {
	was := s.subscribed[both(subscriber, target)]
	delete(s.subscribed, both(subscriber, target))
	return was, s.err
}

// newSights is a server with presence alone: Bob shares his with Ana.
func newSights(t testing.TB) (*server, *sights) {
	t.Helper()
	all := &sights{shares: map[string]bool{"bob@example.org ana@example.org": true}, subscribed: map[string]bool{}}
	s := &server{t: t}
	var err error
	if s.mux, err = resource.New(resource.Config{}); err != nil {
		t.Fatal(err)
	}
	resource.HandlePresence(s.mux, all)
	return s, all
}

func TestPresenceOfWhoShares(t *testing.T) { // L-RES-04
	s, _ := newSights(t)
	asBob := func(from string) resource.Response {
		r := request(t, from, lime.MethodGet, "/presence", "")
		r.PP = lime.MustParseNode(home)
		return s.serve(r)
	}
	const all = `{"status":"away","message":"Bob@example.org","instances":["home"]}`
	for why, got := range map[string]struct {
		res  resource.Response
		want string
	}{
		"by his URI":                {s.do(home, lime.MethodGet, "lime://Bob@example.org/Presence", ""), all},
		"in his name":               {asBob("Bob@example.org"), all},
		"in the name of a session":  {asBob("bob@example.org/desk"), `{"status":"busy","message":"at desk","priority":2}`},
		"of an identity, by a node": {s.do("Ana@Example.org/x", lime.MethodGet, "lime://Bob@example.org/presence/", ""), all},
	} {
		want(t, why, got.res, 0)
		if got.res.Type != lime.MediaPresence || string(got.res.Resource) != got.want {
			t.Errorf("%s: %s %s", why, got.res.Type, got.res.Resource)
		}
	}
}

func TestPresenceOfOthersIsRefused(t *testing.T) { // L-CMD-14
	s, all := newSights(t)
	const refused = lime.CodeAuthorizationPermissionRequired
	asRui := request(t, "rui@example.org", lime.MethodGet, "/presence", "")
	asRui.PP = lime.MustParseNode(home)
	want(t, "in his name", s.serve(asRui), refused)
	asBob := request(t, "bob@example.org", lime.MethodGet, "lime://rui@example.org/presence", "")
	asBob.PP = lime.MustParseNode(home)
	all.shares["rui@example.org bob@example.org"] = true
	want(t, "what Bob may see, in his name", s.serve(asBob), refused)
	guest := request(t, home, lime.MethodGet, "lime://bob@example.org/presence", "")
	guest.Guest = true
	want(t, "a guest of Ana's name", s.serve(guest), refused)
	for _, method := range []lime.Method{lime.MethodGet, lime.MethodSet, lime.MethodMerge, lime.MethodDelete, lime.MethodSubscribe} {
		for _, of := range []string{"rui@example.org", "unheard.of@example.org", "example.org"} {
			want(t, fmt.Sprint(method, " ", of), s.do(home, method, "lime://"+of+"/presence", "{}"), refused)
		}
	}
	want(t, "set Bob's", s.do(home, lime.MethodSet, "lime://bob@example.org/presence", "{}"), refused)
	want(t, "own, which the edge answers", s.do(home, lime.MethodGet, "/presence", ""), lime.CodeCommandProcessingError)
	want(t, "own, to be set", s.do(home, lime.MethodSet, "/presence", "{}"), lime.CodeCommandProcessingError)
	if len(all.subscribed) > 0 {
		t.Errorf("subscribed: %v", all.subscribed)
	}
	all.err = errors.New("no store")
	want(t, "no store", s.do(home, lime.MethodGet, "lime://bob@example.org/presence", ""), lime.CodeCommandProcessingError)
}

func TestSubscriptionEnds(t *testing.T) {
	s, all := newSights(t)
	const bobs = "lime://Bob@example.org/presence"
	want(t, "subscribe", s.do(home, lime.MethodSubscribe, bobs, ""), 0)
	if !all.subscribed["ana@example.org bob@example.org"] {
		t.Errorf("subscribed: %v", all.subscribed)
	}
	delete(all.shares, "bob@example.org ana@example.org")
	want(t, "unsubscribe without permission", s.do(home, lime.MethodUnsubscribe, bobs, ""), 0)
	want(t, "unsubscribe again", s.do(home, lime.MethodUnsubscribe, bobs, ""), lime.CodeCommandResourceNotFound)
}
