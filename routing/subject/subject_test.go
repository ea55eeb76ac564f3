package subject

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"limegrove/lime"
	"limegrove/presence"
)

// subjectOf is the subject of an address.
func subjectOf(n lime.Node) string {
	return string(AppendTo(nil, []byte(n.Domain), []byte(n.Name), []byte(n.Instance), &Scratch{}))
}

func TestAddressesBecomeSubjects(t *testing.T) {
	for address, want := range map[string]string{
		"ana@example.org/phone":      "to.org.example.@.ana.phone",
		"ana@example.org":            "to.org.example.@.ana._",
		"Ana@Example.ORG/Phone":      "to.org.example.@.ana.phone",
		"ana@localhost/1":            "to.localhost.@.ana.1",
		"ana.maria@a.b.c/x":          "to.c.b.a.@.ana%2Emaria.x",
		"ana@t/a/b@c":                "to.t.@.ana.a/b%40c",
		"ana@t/_":                    "to.t.@.ana.%5F",
		"ana@t/_view":                "to.t.@.ana.%5Fview",
		"ana@t/a_b":                  "to.t.@.ana.a_b",
		"ana@t/*":                    "to.t.@.ana.%2A",
		"ana@t/>":                    "to.t.@.ana.%3E",
		"ana@t/a b":                  "to.t.@.ana.a%20b",
		"ana@t/100%":                 "to.t.@.ana.100%25",
		"ana@t/%5F":                  "to.t.@.ana.%255f",
		"ana@a..b/x":                 "to.b.%.a.@.ana.x",
		"ana@.t./x":                  "to.%.t.%.@.ana.x",
		"João@Exemplo.ORG/É":         "to.org.exemplo.@.joão.é",
		"ana@t/#home":                "to.t.@.ana.#home",
		"ana%40mail.com@msging.net/": "to.net.msging.@.ana%2540mail%2Ecom._",
	} {
		if got := subjectOf(lime.MustParseNode(address)); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
}

func TestServersSubjects(t *testing.T) {
	for got, want := range map[string]string{
		Command("Example.org"):            "cmd.org.example",
		Auth("plain"):                     "auth.plain",
		Auth("a.>"):                       "auth.a%2E%3E",
		Control("inc-1"):                  "edge.inc-1.ctl",
		Heard("inc-1"):                    "edge.inc-1.heard",
		Key("t.@.ana").View():             "to.t.@.ana._view",
		Key("t.@.ana").Account():          "to.t.@.ana._account",
		BeforeHub + "t.@.ana" + BehindHub: "to.t.@.ana.*",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSubjectsAreNotLongerThanALineHolds(t *testing.T) {
	for _, c := range []struct {
		name string
		node lime.Node
		long bool
	}{
		{"all parts of 400", lime.Node{Identity: lime.Identity{Name: strings.Repeat("n", 400), Domain: strings.Repeat("d", 400)}, Instance: strings.Repeat("i", 400)}, false},
		{"an instance of the grammar's maximum", lime.Node{Identity: lime.Identity{Name: "n", Domain: "t.org"}, Instance: strings.Repeat("i", lime.MaxPart)}, false},
		{"all parts of the grammar's maximum", lime.Node{Identity: lime.Identity{Name: strings.Repeat("n", lime.MaxPart), Domain: strings.Repeat("d", lime.MaxPart)}, Instance: strings.Repeat("i", lime.MaxPart)}, true},
		{"dots that are escaped", lime.Node{Identity: lime.Identity{Name: strings.Repeat(".", 500), Domain: "t"}}, true},
		{"a domain of dots", lime.Node{Identity: lime.Identity{Name: "n", Domain: strings.Repeat(".", lime.MaxPart)}}, true},
	} {
		_, err := MakeKey(c.node.Identity)
		if long := len(subjectOf(c.node)) > Max; long != c.long {
			t.Errorf("%s: a subject of %d bytes is too long: %v, want %v", c.name, len(subjectOf(c.node)), long, c.long)
		}
		if err != nil && !c.long {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestEverySubjectIsTakenApartAgain(t *testing.T) {
	key, err := MakeKey(lime.Identity{Name: "Ana.Maria", Domain: "Example.org"})
	if err != nil {
		t.Fatal(err)
	}
	for subject, token := range map[string]string{
		subjectOf(lime.MustParseNode("ana.maria@example.org/X.y")): Token("x.Y"),
		subjectOf(lime.MustParseNode("ana.maria@example.org")):     Identity,
		key.View():    View,
		key.Account(): Account,
	} {
		gotKey, gotToken, ok := SplitTo(subject)
		if gotKey != key || gotToken != token || !ok {
			t.Errorf("%s is %s and %s (%v), want %s and %s", subject, gotKey, gotToken, ok, key, token)
		}
	}
	for _, subject := range []string{"", "to", "to.", "to.x", "cmd.x.y"} {
		if _, _, ok := SplitTo(subject); ok {
			t.Errorf("%q was taken for an address", subject)
		}
	}
}

func FuzzSubject(f *testing.F) {
	for _, s := range []string{
		"ana@example.org/phone", "Ana@EXAMPLE.org", "a.b@c.d/e.f", "ana@t/_view", "ana@t/*", "a@b/>", "a@..../ ", "%@%/%",
		"\u212aelvin@t/ſ", "ana@t/%5Fview", "_@_/_", "x@a.@/y", "ana@t/\u00a0", "é@ß/ẞ",
	} {
		f.Add(s, "ANA@example.org/phone")
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		a, err := lime.ParseNode(one)
		if err != nil || a.Domain == "" || a.Name == "" {
			return
		}
		subject := subjectOf(a)
		if !server.IsValidLiteralSubject(subject) || strings.ContainsAny(subject, " \t\r\n\f\v\x00\x7f") {
			t.Fatalf("%q is %q, which NATS does not take", one, subject)
		}
		key, token, ok := SplitTo(subject)
		if want, err := MakeKey(a.Identity); err == nil && (!ok || key != want) {
			t.Fatalf("%q is of %q, want %q", one, key, want)
		}
		if back, err := key.Identity(); err != nil || back != a.Identity.Fold() {
			t.Fatalf("%q is of %q, which is %v (%v)", one, key, back, err)
		}
		if a.Instance == "" && token != Identity || a.Instance != "" && (token != Token(a.Instance) || token[0] == '_') {
			t.Fatalf("%q has the token %q", one, token)
		}
		hub := BeforeHub + string(key) + BehindHub
		if !server.IsValidSubject(hub) || !server.SubjectsCollide(subject, hub) {
			t.Fatalf("%q is not heard at %q", subject, hub)
		}
		// A wildcard behind a domain covers the domain and its sub-domains.
		sub := a
		sub.Domain = "sub." + a.Domain
		whole := rootTo + string(appendDomain(nil, lime.AppendFold(nil, []byte(a.Domain)))) + ".>"
		if !server.SubjectsCollide(subject, whole) || !server.SubjectsCollide(subjectOf(sub), whole) {
			t.Fatalf("%q does not cover %q and %q", whole, subject, subjectOf(sub))
		}
		b, err := lime.ParseNode(other)
		if err != nil || b.Domain == "" || b.Name == "" {
			return
		}
		if same := subjectOf(b) == subject; same != a.EqualFold(b) {
			t.Fatalf("%q and %q: one subject %v, one address %v", one, other, same, !same)
		}
	})
}

func TestReplySubjectsTellTheOrigin(t *testing.T) {
	for _, want := range []Origin{
		{"inc-1", 0, Member, NoReply, 7},
		{"inc-1", 3, Member, 1, 1},
		{presence.EdgeID(strings.Repeat("x", 127)), 65535, Member, 1<<64 - 1, 1<<64 - 1},
		{presence.EdgeID(strings.Repeat("x", 127)), 65535, Member, NoReply, 1<<64 - 1},
	} {
		subject := string(AppendReply(nil, ReplyPrefix(want.Edge), want.Hops, want.Sequence))
		if want.Sequence == NoReply {
			subject = string(AppendNoReply(nil, ReplyPrefix(want.Edge), want.Hops, want.Turn))
		}
		if got, ok := ParseReply(subject); !ok || got != want {
			t.Errorf("%s tells %v (%v), want %v", subject, got, ok, want)
		}
	}
}

// A reply subject tells who has sent a message, and processes that do not know of it read it
// as they always did.
func TestReplySubjectsTellTheSendersStanding(t *testing.T) {
	prefix := ReplyPrefix("inc-1")
	for by, hops := range map[Standing]string{Member: "0", Guest: "00", Authority: "000"} {
		for _, n := range []int{0, 1, 10, 100} {
			for text, sequence := range map[string]uint64{
				string(AppendReply(nil, by.By(prefix), n, 77)):   77,
				string(AppendNoReply(nil, by.By(prefix), n, 77)): NoReply,
			} {
				o, ok := ParseReply(text)
				if want := (Origin{Edge: "inc-1", Hops: n, By: by, Sequence: sequence, Turn: 77}); !ok || o != want {
					t.Errorf("%s tells %v (%v), want %v", text, o, ok, want)
				}
				if n == 0 && !strings.HasPrefix(text, prefix+hops+".") {
					t.Errorf("%s does not begin with %s", text, prefix+hops)
				}
			}
		}
	}
}

func TestForeignReplySubjectsAreNone(t *testing.T) {
	for _, s := range []string{
		"", "edge.", "edge.a", "edge.a.ctl", "edge.a.re.", "edge.a.re.1", "edge.a.re..", "edge.a.re.1.", "edge.a.re.x.1",
		"edge.a.re.-1.1", "edge.a.re.65536.1", "edge.a.re.1.1.1", "edge.a.re.1.!", "_INBOX.abc.1", "edge.a.re.1.zzzzzzzzzzzzzzzzzz",
		"edge.a.re.0000.1", "edge.a.re.00.", "edge.a.re.00",
	} {
		if o, ok := ParseReply(s); ok {
			t.Errorf("%q was taken for a reply subject: %v", s, o)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add("edge.inc-1.re.2.1z")
	f.Add("edge.a.re.re.1.1")
	f.Add("edge..re.0.0")
	f.Add("edge.a.re.001.1")
	f.Add("edge.a.re.0.-1")
	f.Fuzz(func(t *testing.T, s string) {
		o, ok := ParseReply(s)
		if !ok {
			return
		}
		prefix := o.By.By(ReplyPrefix(o.Edge))
		again := string(AppendReply(nil, prefix, o.Hops, o.Sequence))
		if o.Sequence == NoReply {
			again = string(AppendNoReply(nil, prefix, o.Hops, o.Turn))
		}
		if p, ok := ParseReply(again); !ok || p != o {
			t.Fatalf("%q tells %v, and written again, as %q, %v", s, o, again, p)
		}
	})
}

func TestSubjectsOfKnownSpellingAllocateNothing(t *testing.T) {
	var s Scratch
	dst := make([]byte, 0, 256)
	domain, name, instance := []byte("example.org"), []byte("Ana"), []byte("phone")
	if n := testing.AllocsPerRun(100, func() { dst = AppendTo(dst[:0], domain, name, instance, &s) }); n != 0 {
		t.Errorf("a subject costs %v allocations", n)
	}
}
