package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestIssuersAreReadFromTheirFile(t *testing.T) {
	file := yamlFile(t, `
- issuer: https://idp.example.net
  jwks: https://idp.example.net/keys
  audience: [limegrove]
  leeway: 10s
- issuer: partner
  keys: [a.pem, b.json]
  audience: [x, y]
  domains: [example.org]
  identity: "{email}"
  algorithms: [ES256]
  take-over: true
`)
	got := mustParseEdge(t, nil, "-auth", "guest,external", "-auth-issuers", file)
	want := []Issuer{
		{Issuer: "https://idp.example.net", JWKS: "https://idp.example.net/keys", Audience: []string{"limegrove"}, Leeway: 10 * time.Second},
		{
			Issuer: "partner", Keys: []string{"a.pem", "b.json"}, Audience: []string{"x", "y"}, Domains: []string{"example.org"},
			Identity: "{email}", Algorithms: []string{"ES256"}, TakeOver: true,
		},
	}
	if !reflect.DeepEqual(got.Logins.Issuers, want) || !got.Logins.External() {
		t.Errorf("got %+v", got.Logins.Issuers)
	}
	for _, text := range []string{"", "[]", "- issuer: [", "- isuer: x", "issuer: x", "- leeway: soon"} {
		_, err := ParseEdge([]string{"-auth-issuers", yamlFile(t, text)}, func(string) string { return "" }, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "-auth-issuers: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
