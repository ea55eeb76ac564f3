package lime

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestURIsAreParsed(t *testing.T) {
	for s, want := range map[string]struct {
		uri URI
		out string // "" means as it came
	}{
		"/presence":                          {URI{Path: []string{"presence"}}, ""},
		"/contacts/bob@example.org":          {URI{Path: []string{"contacts", "bob@example.org"}}, ""},
		"/contacts/joe%2540gw%40example.org": {URI{Path: []string{"contacts", "joe%40gw@example.org"}}, "/contacts/joe%2540gw@example.org"},
		"/presence/":                         {URI{Path: []string{"presence"}}, "/presence"}, // one slash is trimmed
		"/":                                  {URI{}, ""},
		"/contacts?$take=20&skip=4": {
			URI{Path: []string{"contacts"}, Query: url.Values{"$take": {"20"}, "skip": {"4"}}}, "/contacts?%24take=20&skip=4",
		},
		"/contacts?":                      {URI{Path: []string{"contacts"}}, "/contacts"},
		"lime://bob@example.org/presence": {URI{Owner: Identity{"bob", "example.org"}, Path: []string{"presence"}}, ""},
		"LIME://bob%20b@example.org/presence": {
			URI{Owner: Identity{"bob b", "example.org"}, Path: []string{"presence"}}, "lime://bob%20b@example.org/presence",
		},
		"lime://example.org/accounts": {URI{Owner: Identity{"", "example.org"}, Path: []string{"accounts"}}, ""}, // a domain's directory
		"lime://example.org":          {URI{Owner: Identity{"", "example.org"}}, "lime://example.org/"},
		"/a%2Fb":                      {URI{Path: []string{"a/b"}}, ""},
		"/a/#srv":                     {URI{Path: []string{"a", "#srv"}}, "/a/%23srv"},
	} {
		u, err := ParseURI(s)
		if err != nil || !reflect.DeepEqual(u, want.uri) {
			t.Errorf("%s is %+v, %v", s, u, err)
		}
		if want.out == "" {
			want.out = s
		}
		if u.String() != want.out {
			t.Errorf("%s is written as %s", s, u)
		}
	}
}

func TestWhatIsNoURIGetsReason27(t *testing.T) { // L-CMD-06
	for _, s := range []string{
		"", "presence", "http://example.org/presence", "lime:/presence", "limes://a@b/c", "//a@b/c", "/a//b", "///", "/a%", "/a%zz", "/%00",
		"/\n", "/\xff", "/%ff", "/..", "/a/%2e%2e/b", "/.", "lime://", "lime:///presence", "lime://a@b@c/x", "lime://a%/x", "/a?%zz", "/a?b;c", "?a=b",
	} {
		if u, err := ParseURI(s); !errors.Is(err, &Reason{Code: CodeValidationInvalidURI}) || !reflect.DeepEqual(u, URI{}) {
			t.Errorf("%q is %+v, %v", s, u, err)
		}
	}
}

func parseURI(t *testing.T, s string) URI {
	t.Helper()
	u, err := ParseURI(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return u
}

func TestPathsCompareInAnyCase(t *testing.T) {
	u := parseURI(t, "/Groups/Ops@example.org/MEMBERS?take=1")
	for path, want := range map[string]bool{
		"/groups/ops@example.org/members": true, "/groups/ops@example.org": false,
		"/groups/ops@example.org/members/x": false, "/groups": false, "/": false, "": false,
	} {
		if u.HasPath(path) != want {
			t.Errorf("%s has path %q: %t", u, path, !want)
		}
	}
	if !parseURI(t, "/").HasPath("/") || !(URI{}).HasPath("") || parseURI(t, "/a").HasPath("/") {
		t.Error("the empty path")
	}
	for s, want := range map[string]bool{
		"/groups/ops@example.org/members?Take=1": true, "/groups/ops%40example.org/members?take=1": true,
		"/groups/ops@example.org/members": false, "/groups/ops@example.org/others?take=1": false,
		"/groups?take=1": false, "lime://a@b/groups/ops@example.org/members?take=1": false,
	} {
		if u.EqualFold(parseURI(t, s)) != want {
			t.Errorf("%s equals %s: %t", u, s, !want)
		}
	}
}

func TestParametersMayHaveADollar(t *testing.T) { // L-RES-11
	u := parseURI(t, "/contacts?$take=20&skip=4&$skip=5")
	if u.Param("take") != "20" || u.Param("skip") != "4" || u.Param("none") != "" || (URI{}).Param("take") != "" {
		t.Error(u)
	}
}

func FuzzURI(f *testing.F) {
	for _, s := range []string{"/presence", "lime://a@b/c/d?e=f&$g=h", "lime://b", "/a%2fb//", "/%25%20é", "lime://%41@%42/%43?%44", "/?=&a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil {
			return
		}
		again, err := ParseURI(u.String())
		if err != nil || !again.EqualFold(u) || again.String() != u.String() || !reflect.DeepEqual(again.Path, u.Path) || again.Owner != u.Owner {
			t.Fatalf("%q is %+v, but %q is %+v, %v", s, u, u, again, err)
		}
		for _, segment := range u.Path {
			if segment == "" || strings.ContainsRune(segment, 0) {
				t.Fatalf("%q has the segment %q", s, segment)
			}
		}
	})
}
