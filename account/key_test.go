package account

import (
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"testing"

	"limegrove/lime"
)

// validKey is what JetStream takes as the key of a bucket, less the dot, of
// which ours has one.
var validKey = regexp.MustCompile(`^[-/_=a-zA-Z0-9]+\.[-/_=a-zA-Z0-9]+$`)

func TestKeyIsMadeOfTheFoldedIdentity(t *testing.T) {
	for id, want := range map[lime.Identity]string{
		{Name: "ana", Domain: "example.org"}:      "example=2Eorg.ana",
		{Name: "Ana", Domain: "EXAMPLE.org"}:      "example=2Eorg.ana",
		{Name: "ana.b", Domain: "localhost"}:      "localhost.ana=2Eb",
		{Name: "a=b", Domain: "x_y-z"}:            "x_y-z.a=3Db",
		{Name: "joe%40gw", Domain: "example.org"}: "example=2Eorg.joe=2540gw",
		{Name: "a b*>", Domain: "x"}:              "x.a=20b=2A=3E",
		{Name: "\u212aelvin", Domain: "x"}:        "x.kelvin", // the Kelvin sign
		{Name: "josé", Domain: "x"}:               "x.jos=C3=A9",
	} {
		if got, err := key(id); got != want || err != nil {
			t.Errorf("key(%q) = %q, %v, want %q", id, got, err, want)
		}
	}
}

func TestKeyNeedsAnIdentityThatFits(t *testing.T) {
	for what, id := range map[string]lime.Identity{
		"nobody":    {},
		"no name":   {Domain: "x"},
		"no domain": {Name: "ana"},
		"too long":  {Name: strings.Repeat("é", 500), Domain: "x"},
	} {
		k, err := key(id)
		if !errors.Is(err, &lime.Reason{Code: lime.CodeValidationInvalidIdentity}) {
			t.Errorf("%s: key %q, error %v, want code 25", what, k, err)
		}
	}
}

func FuzzKey(f *testing.F) {
	f.Add("ana", "example.org")
	f.Add("Ana=2E", "ſ.K")
	f.Add("a\x00\n", "..")
	f.Fuzz(func(t *testing.T, name, domain string) {
		id := lime.Identity{Name: name, Domain: domain}
		k, err := key(id)
		if err != nil {
			return
		}
		if !validKey.MatchString(k) || len(k) > maxKey {
			t.Fatalf("key(%q) = %q, which is no key", id, k)
		}
		d, n, _ := strings.Cut(k, ".")
		back := lime.Identity{Name: unescape(t, n), Domain: unescape(t, d)}
		if back != id.Fold() {
			t.Fatalf("%q became %q and then %q", id, k, back)
		}
	})
}

func unescape(t *testing.T, s string) string {
	var out strings.Builder
	for {
		before, after, more := strings.Cut(s, "=")
		out.WriteString(before)
		if !more {
			return out.String()
		}
		b, err := hex.DecodeString(after[:2])
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
		s = after[2:]
	}
}
