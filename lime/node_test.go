package lime

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func node(name, domain, instance string) Node {
	return Node{Identity{name, domain}, instance}
}

func TestNodesAreParsedAsTheReferenceSays(t *testing.T) {
	long := strings.Repeat("é", MaxPart)
	for _, c := range []struct {
		text string
		want Node
		out  string // "" means text
	}{
		{text: "alice@example.org/home", want: node("alice", "example.org", "home")}, // L-ADR-01
		{text: "alice@example.org", want: node("alice", "example.org", "")},
		{text: "a@b/c/d", want: node("a", "b", "c/d")},                                       // L-ADR-01
		{text: "a@b/c@d", want: node("a", "b", "c@d")},                                       // L-ADR-01
		{text: "a@b/#srv 1", want: node("a", "b", "#srv 1")},                                 // L-ADR-01
		{text: "a@b//", want: node("a", "b", "/")},                                           // an instance may begin with a slash
		{text: "alice", want: node("alice", "", "")},                                         // L-ADR-03
		{text: "alice/home", want: node("alice", "", "home")},                                // L-ADR-03
		{text: "alice/a@b", want: node("alice", "", "a@b")},                                  // the slash comes first
		{text: "@example.org", want: node("", "example.org", "")},                            // L-ADR-04
		{text: "@example.org/x", want: node("", "example.org", "x")},                         // L-ADR-04
		{text: "a@b/", want: node("a", "b", ""), out: "a@b"},                                 // L-ADR-07
		{text: "joe%40gw@example.org/a%2fb", want: node("joe%40gw", "example.org", "a%2fb")}, // L-ADR-08
		{text: "zoë@bücher.example/büro 😀", want: node("zoë", "bücher.example", "büro 😀")},   // L-ADR-08
		{text: `back\slash@b`, want: node(`back\slash`, "b", "")},
		{text: long + "@" + long + "/" + long, want: node(long, long, long)}, // L-ADR-02
		{text: `a@b/"&'/:<>@`, want: node("a", "b", `"&'/:<>@`)},
	} {
		n, err := ParseNode(c.text)
		if err != nil || n != c.want {
			t.Errorf("%.40q is %+v, %v; want %+v", c.text, n, err, c.want)
		}
		if c.out == "" {
			c.out = c.text
		}
		if n.String() != c.out || string(AppendNode(nil, n)) != c.out {
			t.Errorf("%.40q is written as %.40q", c.text, n)
		}
		v, err := ParseNodeView([]byte(c.text))
		if err != nil || v.Node() != c.want {
			t.Errorf("%.40q as bytes is %+v, %v", c.text, v.Node(), err)
		}
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "@", "/", "/home", "@/home", "a@", "a@/home", "a@b@c", "a@b@c/d", "@@",
		`a"@b`, "a&@b", "a'@b", "a:@b", "a<@b", "a>@b", "a:b", // L-ADR-02
		"a\n@b", "a@b\x00", "a@b/c\n", "a@b/\x7f", "a@b/\u0085", "a@b/\u2028", "a@b/\u2029", // keys are made of it
		"a\xff@b", "a@\xed\xa0\x80", "a@b/\xc3",
		strings.Repeat("a", MaxPart+1), "@" + strings.Repeat("a", MaxPart+1), "a@b/" + strings.Repeat("é", MaxPart+1), // L-ADR-02
	} {
		if n, err := ParseNode(text); !errors.Is(err, ErrAddress) || !n.IsZero() {
			t.Errorf("%.40q is %+v, %v; want an error", text, n, err)
		}
		if v, err := ParseNodeView([]byte(text)); !errors.Is(err, ErrAddress) || v.Name != nil {
			t.Errorf("%.40q as bytes is %+v, %v; want an error", text, v, err)
		}
		if i, err := ParseIdentity(text); !errors.Is(err, ErrAddress) || !i.IsZero() {
			t.Errorf("%.40q as identity is %+v, %v; want an error", text, i, err)
		}
	}
}

func TestAnIdentityHasNoInstance(t *testing.T) {
	for _, text := range []string{"a@b/c", "a@b/", "a/"} {
		if i, err := ParseIdentity(text); !errors.Is(err, ErrAddress) {
			t.Errorf("%q is %+v, %v; want an error", text, i, err)
		}
	}
	for _, text := range []string{"a@b", "a", "@b"} {
		i, err := ParseIdentity(text)
		if err != nil || i.String() != text || string(AppendIdentity(nil, i)) != text {
			t.Errorf("%q is %+v, %v", text, i, err)
		}
	}
}

func TestOnlyANodeWithAllPartsIsComplete(t *testing.T) {
	for text, want := range map[string]bool{
		"a@b/c": true, "a@b": false, "a/c": false, "@b/c": false, "a": false, "@b": false,
	} {
		if got := MustParseNode(text).Complete(); got != want {
			t.Errorf("%s complete: %t", text, got)
		}
	}
}

func TestAnAbsentDomainIsTheSendersOwn(t *testing.T) { // L-ADR-03
	if got := MustParseNode("bob/desk").WithDefaults("example.org"); got != node("bob", "example.org", "desk") {
		t.Error(got)
	}
	if got := MustParseNode("bob@other/desk").WithDefaults("example.org"); got != node("bob", "other", "desk") {
		t.Error(got)
	}
}

func TestAddressesAreStringsInJSON(t *testing.T) {
	type both struct {
		I Identity
		N Node
	}
	in := both{MustParseIdentity("zoë@b"), MustParseNode(`a@b/"\`)}
	b, err := json.Marshal(in)
	if err != nil || string(b) != `{"I":"zoë@b","N":"a@b/\"\\"}` {
		t.Fatal(string(b), err)
	}
	var out both
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Fatal(out, err)
	}
	if err := json.Unmarshal([]byte(`{"I":"","N":""}`), &out); err != nil || out != (both{}) {
		t.Fatal("the empty text is nobody:", out, err)
	}
	if err := json.Unmarshal([]byte(`{"N":"a@b@c"}`), &out); !errors.Is(err, ErrAddress) {
		t.Fatal(err)
	}
}

func TestMustParsePanicsOnlyOnWhatIsWrong(t *testing.T) {
	for _, parse := range []func(){
		func() { MustParseNode("a@b@c") },
		func() { MustParseIdentity("a@b/c") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			parse()
		}()
	}
}

func TestParsingAndComparingAllocateNothing(t *testing.T) {
	b := []byte("zoë@example.org/büro")
	n, m := MustParseNode(string(b)), MustParseNode("ZOË@Example.org/BÜRO")
	dst := make([]byte, 0, 64)
	for name, f := range map[string]func(){
		"ParseNode":     func() { _, _ = ParseNode("alice@example.org/home") },
		"ParseNodeView": func() { _, _ = ParseNodeView(b) },
		"a refusal":     func() { _, _ = ParseNode("alice@example.org@x") },
		"EqualFold":     func() { _ = n.EqualFold(m) },
		"Fold":          func() { n = n.Fold() },
		"AppendFold":    func() { dst = AppendFold(dst[:0], b) },
		"AppendNode":    func() { dst = AppendNode(dst[:0], n) },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s allocates %v times", name, got)
		}
	}
}

func FuzzNode(f *testing.F) {
	for _, text := range []string{"alice@example.org/home", "a", "@b", "a/c", "a@b/c@d/e", "a@b@c", "zoë@b/\u2028", "", "@", "/"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseNode(text)
		v, verr := ParseNodeView([]byte(text))
		if (err == nil) != (verr == nil) || v.Node() != n {
			t.Fatalf("%q is %+v, %v; as bytes %+v, %v", text, n, err, v.Node(), verr)
		}
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatal(err)
			}
			return
		}
		if n.Name == "" && n.Domain == "" || !utf8.ValidString(text) {
			t.Fatalf("%q is %+v", text, n)
		}
		again, err := ParseNode(n.String())
		if err != nil || again != n {
			t.Fatalf("%q is %+v, but %q is %+v, %v", text, n, n, again, err)
		}
		checkFold(t, n)
	})
}

func FuzzIdentity(f *testing.F) {
	for _, text := range []string{"alice@example.org", "a", "@b", "a/c", "a@b/", "İ@ı", "ſ@K"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		i, err := ParseIdentity(text)
		if err != nil {
			return
		}
		if i.String() != text {
			t.Fatalf("%q is %+v", text, i)
		}
		checkFold(t, Node{Identity: i})
	})
}
