package document

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
	for id, want := range map[lime.Identity]Key{
		{Name: "ana", Domain: "example.org"}:      "example=2Eorg.ana",
		{Name: "Ana", Domain: "EXAMPLE.org"}:      "example=2Eorg.ana",
		{Name: "ana.b", Domain: "localhost"}:      "localhost.ana=2Eb",
		{Name: "a=b", Domain: "x_y-z"}:            "x_y-z.a=3Db",
		{Name: "joe%40gw", Domain: "example.org"}: "example=2Eorg.joe=2540gw",
		{Name: "a b*>", Domain: "x"}:              "x.a=20b=2A=3E",
		{Name: "\u212aelvin", Domain: "x"}:        "x.kelvin", // the Kelvin sign
		{Name: "josé", Domain: "x"}:               "x.jos=C3=A9",
	} {
		if got, err := Of(id); got != want || err != nil {
			t.Errorf("Of(%q) = %q, %v, want %q", id, got, err, want)
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
		k, err := Of(id)
		if !errors.Is(err, &lime.Reason{Code: lime.CodeValidationInvalidIdentity}) {
			t.Errorf("%s: key %q, error %v, want code 25", what, k, err)
		}
	}
}

func TestKeysGoOn(t *testing.T) {
	k, err := Of(lime.MustParseIdentity("Ana@Example.org"))
	if err != nil {
		t.Fatal(err)
	}
	contact, err := k.Identity(lime.MustParseIdentity("RUI@x"))
	if contact != "example=2Eorg.ana.x.rui" || err != nil {
		t.Errorf("of a contact: %q, %v", contact, err)
	}
	part, err := k.Part("Home.1")
	if part != "example=2Eorg.ana.Home=2E1" || err != nil {
		t.Errorf("of a part: %q, %v", part, err)
	}
	for what, err := range map[string]error{
		"an empty part":     second(k.Part("")),
		"a long one":        second(k.Part(strings.Repeat("=", 700))),
		"only a domain":     second(k.Identity(lime.Identity{Domain: "x"})),
		"too long together": second(Key(strings.Repeat("a", 2047)).Identity(lime.MustParseIdentity("b@c"))),
	} {
		if !errors.Is(err, &lime.Reason{Code: lime.CodeValidationInvalidIdentity}) {
			t.Errorf("%s: %v, want code 25", what, err)
		}
	}
}

func second(_ Key, err error) error { return err }

func FuzzKey(f *testing.F) {
	f.Add("ana", "example.org")
	f.Add("Ana=2E", "ſ.K")
	f.Add("a\x00\n", "..")
	f.Fuzz(func(t *testing.T, name, domain string) {
		id := lime.Identity{Name: name, Domain: domain}
		k, err := Of(id)
		if err != nil {
			return
		}
		if !validKey.MatchString(string(k)) || len(k) > maxKey {
			t.Fatalf("Of(%q) = %q, which is no key", id, k)
		}
		d, n, _ := strings.Cut(string(k), ".")
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
