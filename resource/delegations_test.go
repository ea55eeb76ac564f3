package resource_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/resource"
)

// delegations are kept in memory, by folded owner and target.
type delegations map[[2]lime.Node]lime.Delegation

func pair(owner lime.Identity, target lime.Node) [2]lime.Node {
	return [2]lime.Node{{Identity: owner.Fold()}, target.Fold()}
}

func (d delegations) Delegate(_ context.Context, owner lime.Identity, given lime.Delegation) error {
	d[pair(owner, given.Target)] = given
	return nil
}

func (d delegations) Revoke(_ context.Context, owner lime.Identity, target lime.Node) error {
	if _, ok := d[pair(owner, target)]; !ok {
		return &lime.Reason{Code: lime.CodeCommandResourceNotFound}
	}
	delete(d, pair(owner, target))
	return nil
}

func (d delegations) Delegation(_ context.Context, owner lime.Identity, target lime.Node) (lime.Delegation, error) {
	given, ok := d[pair(owner, target)]
	if !ok {
		return given, &lime.Reason{Code: lime.CodeCommandResourceNotFound}
	}
	return given, nil
}

func (d delegations) Delegated(_ context.Context, owner lime.Identity) (all []lime.Delegation, _ error) {
	for _, k := range slices.SortedFunc(maps.Keys(d), func(a, b [2]lime.Node) int { return strings.Compare(a[1].String(), b[1].String()) }) {
		if k[0].Identity == owner.Fold() {
			all = append(all, d[k])
		}
	}
	return all, nil
}

func (d delegations) Allows(_ context.Context, owner lime.Identity, by lime.Node, h *lime.Header) (bool, error) {
	for _, target := range []lime.Node{by, {Identity: by.Identity}} {
		if given, ok := d[pair(owner, target)]; ok && given.Allows(owner, h) {
			return true, nil
		}
	}
	return false, nil
}

func TestDelegationIsGivenListedAndTakenBack(t *testing.T) {
	s := newServer(t)
	set := func(uri, body string) resource.Response {
		r := request(t, home, lime.MethodSet, uri, body)
		r.Type = lime.MediaDelegation
		return s.serve(r)
	}
	want(t, "nothing there", s.do(home, lime.MethodGet, "/delegations/rui", ""), 67)
	want(t, "set", set("/delegations", `{"target":"Rui@example.org","envelopeTypes":["message"],"commands":null}`), 0)
	want(t, "set by the URI", set("/delegations/lia@example.org/a/b", `{"commands":[{"uri":"/contacts"}]}`), 0)
	want(t, "both", set("/delegations/bia", `{"target":"BIA@example.org"}`), 0)
	res := s.do(home, lime.MethodGet, "/delegations?take=2&skip=1", "")
	want(t, "list", res, 0)
	if got := string(res.Resource); got != `{"total":3,"itemType":"application/vnd.lime.delegation+json","items":[`+
		`{"target":"lia@example.org/a/b","commands":[{"uri":"/contacts"}]},{"target":"Rui@example.org","envelopeTypes":["message"]}]}` { // L-RES-11
		t.Errorf("the list is %s", got)
	}
	res = s.do(home, lime.MethodGet, "lime://ANA@example.org/Delegations/RUI", "")
	want(t, "one", res, 0)
	if got := string(res.Resource); got != `{"target":"Rui@example.org","envelopeTypes":["message"]}` || res.Type != lime.MediaDelegation {
		t.Errorf("it is %s %s", res.Type, got)
	}
	want(t, "delete", s.do(home, lime.MethodDelete, "/delegations/lia@example.org/A/B", ""), 0)
	want(t, "delete again", s.do(home, lime.MethodDelete, "/delegations/lia@example.org/a/b", ""), 67)
}

func TestATargetGivesBackWhatItWasGiven(t *testing.T) { // L-CMD-14
	s := newServer(t)
	for _, body := range []string{`{"target":"rui@example.org"}`, `{"target":"rui@example.org/desk"}`, `{"target":"lia@example.org"}`} {
		r := request(t, home, lime.MethodSet, "/delegations", body)
		r.Type = lime.MediaDelegation
		want(t, "given", s.serve(r), 0)
	}
	const hers = "lime://ana@example.org/delegations/"
	want(t, "what another was given", s.do("rui@example.org/1", lime.MethodDelete, hers+"lia@example.org", ""), 35)
	want(t, "to look at it", s.do("rui@example.org/1", lime.MethodGet, hers+"rui@example.org", ""), 35)
	guest := request(t, "rui@example.org/1", lime.MethodDelete, hers+"rui@example.org", "")
	guest.Guest = true
	want(t, "a guest of the name", s.serve(guest), 35)
	behalf := request(t, "rui@example.org", lime.MethodDelete, hers+"rui@example.org", "")
	behalf.PP = lime.MustParseNode("lia@example.org/1")
	want(t, "somebody else in its name", s.serve(behalf), 35)
	want(t, "its own", s.do("rui@example.org/1", lime.MethodDelete, hers+"RUI@example.org", ""), 0)
	want(t, "that of a node of its own", s.do("rui@example.org/1", lime.MethodDelete, hers+"rui@example.org/desk", ""), 0)
	want(t, "none any more", s.do("rui@example.org/1", lime.MethodDelete, hers+"rui@example.org", ""), 67)
	if len(s.delegations) != 1 {
		t.Errorf("there are %v", s.delegations)
	}
}

func TestDelegationRequestsThatAreRefused(t *testing.T) {
	s := newServer(t)
	for _, row := range []struct {
		what      string
		method    lime.Method
		uri, body string
		code      lime.Code
	}{
		{"no target", lime.MethodSet, "/delegations", `{}`, 64},
		{"another target", lime.MethodSet, "/delegations/rui", `{"target":"lia"}`, 64},
		{"no identity", lime.MethodSet, "/delegations/@example.org", `{}`, 64},
		{"a target that is none", lime.MethodGet, "/delegations/a@b@c", ``, 64},
		{"to oneself", lime.MethodSet, "/delegations", `{"target":"ANA@example.org"}`, 64},
		{"to a node of one's own", lime.MethodSet, "/delegations", `{"target":"ana@example.org/1"}`, 64},
		{"an empty list", lime.MethodSet, "/delegations", `{"target":"rui","messages":[]}`, 64},
		{"no object", lime.MethodSet, "/delegations", `[]`, 64},
		{"no resource", lime.MethodSet, "/delegations", `null`, 22}, // L-CMD-12
		{"a page that is none", lime.MethodGet, "/delegations?take=x", ``, 64},
		{"all at once", lime.MethodDelete, "/delegations", ``, 63}, // L-CMD-04
		{"merge", lime.MethodMerge, "/delegations", `{"target":"rui"}`, 63},
		{"subscribe", lime.MethodSubscribe, "/delegations", ``, 63},
		{"somebody else's", lime.MethodGet, "lime://rui@example.org/delegations", ``, 35},
		{"for somebody else", lime.MethodSet, "lime://rui@example.org/delegations", `{"target":"ana"}`, 35},
	} {
		r := request(t, home, row.method, row.uri, row.body)
		r.Type = lime.MediaDelegation
		want(t, row.what, s.serve(r), row.code)
	}
	r := request(t, home, lime.MethodSet, "/delegations", `{"target":"rui"}`)
	r.Type = "text/plain"
	want(t, "another type", s.serve(r), 23)
	r.Type, r.Guest = lime.MediaDelegation, true
	want(t, "a guest", s.serve(r), 35)
	if len(s.delegations) != 0 {
		t.Errorf("there are %v", s.delegations)
	}
}

// What a delegate may and what nobody can pass on.
func TestADelegateHasWhatTheOwnerOwnsAndNoMore(t *testing.T) { // L-CMD-14
	const narrow = `{"target":"rui@example.org/desk","commands":[{"method":"get","uri":"/contacts"}]}`
	for _, given := range []string{``, `{"target":"rui@example.org"}`, narrow} {
		s := newServer(t)
		resource.HandleContacts(s.mux, &shelf{contacts: map[[2]lime.Identity]lime.Contact{}}, nil)
		want(t, "register", s.register(ana, `{`+s3cret+`}`), 0)
		for _, who := range []string{home, "bia@example.org/1"} {
			r := request(t, who, lime.MethodSet, "/contacts", `{"identity":"bia@example.org"}`)
			r.Type = lime.MediaContact
			want(t, "a contact of "+who, s.serve(r), 0)
		}
		if given != "" {
			d, err := lime.ParseDelegation([]byte(given), lime.MustParseIdentity(ana))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.delegations.Delegate(t.Context(), lime.MustParseIdentity(ana), d); err != nil {
				t.Fatal(err)
			}
			bias := lime.Delegation{Target: lime.MustParseNode("ana@example.org")}
			if err := s.delegations.Delegate(t.Context(), lime.MustParseIdentity("bia@example.org"), bias); err != nil {
				t.Fatal(err)
			}
		}
		full, some := given != "" && given != narrow, given != ""
		for _, row := range []struct {
			method    lime.Method
			uri, body string
			may       bool
		}{
			{lime.MethodGet, "/contacts", ``, some},
			{lime.MethodGet, "/contacts/bia@example.org", ``, some},
			{lime.MethodMerge, "/contacts", `{"identity":"bia@example.org","name":"B"}`, full},
			{lime.MethodDelete, "/contacts/bia@example.org", ``, full},
			{lime.MethodGet, "/account", ``, full},
			{lime.MethodMerge, "/account", `{"city":"Lagos"}`, false},
			{lime.MethodDelete, "/account", ``, false},
			{lime.MethodGet, "/account/keys", ``, false},
			{lime.MethodSet, "/account/keys", `{"name":"k"}`, false},
			{lime.MethodGet, "/delegations", ``, false},
			{lime.MethodSet, "/delegations", `{"target":"evil@example.org"}`, false},
		} {
			code := lime.Code(0)
			if !row.may {
				code = lime.CodeAuthorizationPermissionRequired
			}
			inHerName := request(t, ana, row.method, row.uri, row.body)
			inHerName.PP, inHerName.Type = lime.MustParseNode("rui@example.org/desk"), lime.MediaJSON
			absolute := request(t, "rui@example.org/desk", row.method, "lime://ana@example.org"+row.uri, row.body)
			absolute.Type = lime.MediaJSON
			if row.method == lime.MethodDelete && row.may {
				want(t, given+" "+row.uri, s.serve(absolute), 0)
				continue
			}
			want(t, given+" in her name "+row.method.String()+row.uri, s.serve(inHerName), code)
			want(t, given+" of hers "+row.method.String()+row.uri, s.serve(absolute), code)
			other := inHerName
			other.PP = lime.MustParseNode("lia@example.org/1")
			want(t, given+" somebody else "+row.method.String()+row.uri, s.serve(other), 35)
		}
		chain := request(t, ana, lime.MethodGet, "lime://bia@example.org/contacts", "")
		chain.PP = lime.MustParseNode("rui@example.org/desk")
		want(t, given+" what she was given", s.serve(chain), 35)
		guest := request(t, ana, lime.MethodGet, "/contacts", "")
		guest.PP, guest.Guest = lime.MustParseNode("rui@example.org/desk"), true
		want(t, given+" a guest of the name", s.serve(guest), 35)
	}
}

func TestAnAuthorityHasWhatTheDomainsIdentitiesOwn(t *testing.T) {
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`}`), 0)
	r := request(t, ana, lime.MethodGet, "/account", "")
	r.PP, r.Role = lime.MustParseNode("gw@example.org/1"), lime.RoleAuthority
	want(t, "in her name", s.serve(r), 0)
	r.PP = lime.MustParseNode("gw@localhost/1")
	want(t, "one of another domain", s.serve(r), 35)
	r = request(t, "gw@example.org/1", lime.MethodGet, "lime://ana@example.org/account", "")
	want(t, "a member", s.serve(r), 35)
	r.Role = lime.RoleAuthority
	want(t, "the account of hers", s.serve(r), 0)
	r.Method, r.Resource = lime.MethodMerge, json.RawMessage(`{"city":"Lagos"}`)
	want(t, "what nobody can pass on", s.serve(r), 35)
}
