package lime

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// rewrites are values that a rewrite may bring, picked by two bits a member.
var rewrites = [4][]byte{nil, []byte("alice@example.org/home"), []byte("zoë \"\\\n\x01\u2028@b/c"), {}}

// checkRewrite rewrites b, which scans, as choice says, and holds all of the
// result against b.
func checkRewrite(t *testing.T, b []byte, choice uint32) {
	t.Helper()
	var before, after oracle
	before.read(b)
	r := Rewrite{
		From:     rewrites[choice&3],
		To:       rewrites[choice>>2&3],
		PP:       rewrites[choice>>4&3],
		RemovePP: choice>>6&1 != 0,
	}
	var h Header
	if _, err := h.Scan(b); err != nil {
		t.Fatal(err)
	}
	kept := "in front: "
	got := h.AppendRewritten([]byte(kept), b, r)
	if string(got[:len(kept)]) != kept {
		t.Fatalf("%q: what was in front became %q", b, got)
	}
	got = got[len(kept):]
	after.read(got)
	if after.verdict != isEnvelope || after.n != len(got) || got[0] != '{' {
		t.Fatalf("%q became %q, which is %s", b, got, after.verdict)
	}
	if text := disagreement(&h, &after, got); text != "" {
		t.Fatal(text)
	}

	// What is to be expected: new members first, then the old ones.
	changes := map[string][]byte{"from": r.From, "to": r.To, "pp": r.PP}
	if r.RemovePP {
		changes["pp"] = nil
	}
	var want [][2]string
	for _, name := range []string{"from", "to", "pp"} {
		if _, there := before.values[name]; !there && changes[name] != nil {
			want = append(want, [2]string{`"` + name + `"`, string(changes[name])})
		}
	}
	added := len(want)
	for _, member := range before.members {
		var name string
		if err := json.Unmarshal([]byte(member[0]), &name); err != nil {
			t.Fatal(err)
		}
		if name == "pp" && r.RemovePP {
			continue
		}
		if changes[name] != nil {
			member[1] = string(changes[name])
		}
		want = append(want, member)
	}
	if len(want) != len(after.members) {
		t.Fatalf("%q became %q, which has %d members; want %q", b, got, len(after.members), want)
	}
	for i, member := range after.members {
		var name, value string
		if err := json.Unmarshal([]byte(member[0]), &name); err != nil {
			t.Fatal(err)
		}
		if changes[name] != nil {
			if err := json.Unmarshal([]byte(member[1]), &value); err != nil {
				t.Fatal(err)
			}
			member[1] = value
		}
		if member != want[i] {
			t.Fatalf("%q became %q: member %d is %q, want %q (%d added)", b, got, i, member, want[i], added)
		}
	}
}

// checkMended mends b, which scans, and holds the result against b.
func checkMended(t *testing.T, b []byte) {
	t.Helper()
	var h Header
	var o oracle
	if _, err := h.Scan(b); err != nil {
		t.Fatal(err)
	}
	mended := h.AppendMended(nil, b)
	if !h.NeedsMending && h.spans[fieldMetadata].to == 0 && !bytes.Equal(mended, b[h.start:h.start+h.Size]) {
		t.Fatalf("%q needs no mending, but became %q", b, mended)
	}
	o.read(mended)
	if o.verdict != isEnvelope || o.n != len(mended) || o.mend {
		t.Fatalf("%q was mended to %q, which is %s, mended %t", b, mended, o.verdict, !o.mend)
	}
	var before oracle
	before.read(b)
	if before.answersWithURI() {
		before.members = slices.DeleteFunc(before.members, func(member [2]string) bool {
			var name string
			if err := json.Unmarshal([]byte(member[0]), &name); err != nil {
				t.Fatal(err)
			}
			return name == "uri"
		})
	}
	if len(before.members) != len(o.members) {
		t.Fatalf("%q was mended to %q, which has other members", b, mended)
	}
	for i, member := range o.members {
		switch was := before.members[i]; {
		case was[0] != member[0]:
			t.Fatalf("%q was mended to %q, which has other members", b, mended)
		case was[1] == member[1]:
		case before.mend && was[1][0] != member[1][0], member[1][0] == '{' && was[1][0] == '{':
		default:
			t.Fatalf("%q was mended to %q, which changed %s", b, mended, was[0])
		}
	}
}

func TestARewriteChangesNothingButTheAddresses(t *testing.T) { // L-ENV-08, L-MSG-01
	for _, c := range []struct {
		in   string
		r    Rewrite
		want string
	}{
		{`{}`, Rewrite{From: []byte("a@b/c")}, `{"from":"a@b/c"}`},
		{" {\t}\n{}", Rewrite{From: []byte("a@b/c")}, "{\"from\":\"a@b/c\"\t}"},
		{`{ "id" : 	"1" }`, Rewrite{From: []byte("a"), To: []byte("b"), PP: []byte("c")}, `{"from":"a","to":"b","pp":"c", "id" : 	"1" }`},
		{`{"to":null,"id":"1","from" : "x"}`, Rewrite{From: []byte("a"), To: []byte("b")}, `{"to":"b","id":"1","from" : "a"}`},
		{`{"fr\u006fm":"\u0061"}`, Rewrite{From: []byte("b")}, `{"fr\u006fm":"b"}`},
		{`{"from":"x","content":"<&>\u003c","big":12345678901234567890}`, Rewrite{}, `{"from":"x","content":"<&>\u003c","big":12345678901234567890}`},
		{`{"from":"x"}`, Rewrite{From: []byte("é\"\\\n\xff<&>")}, `{"from":"é\"\\\n` + "\ufffd" + `<&>"}`},
		{`{"pp":"x"}`, Rewrite{RemovePP: true, PP: []byte("not looked at")}, `{}`},
		{`{"pp":"x"}`, Rewrite{RemovePP: true, From: []byte("a")}, `{"from":"a"}`},
		{`{"pp":null,"id":"1"}`, Rewrite{RemovePP: true}, `{"id":"1"}`},
		{`{"id":"1","pp":"x"}`, Rewrite{RemovePP: true, From: []byte("a")}, `{"from":"a","id":"1"}`},
		{`{"from":"x","pp":"x","to":"y"}`, Rewrite{RemovePP: true, From: []byte("a"), To: []byte("b")}, `{"from":"a","to":"b"}`},
		{`{"id":"1"}`, Rewrite{RemovePP: true}, `{"id":"1"}`},
	} {
		if got := string(scan(t, []byte(c.in)).AppendRewritten(nil, []byte(c.in), c.r)); got != c.want {
			t.Errorf("%s became\n%s, want\n%s", c.in, got, c.want)
		}
	}
}

func TestEveryRewriteOfEveryGoldenEnvelopeIsRight(t *testing.T) {
	for _, b := range envelopes(t, "envelopes") {
		for choice := range uint32(1 << 7) {
			checkRewrite(t, b, choice)
		}
		checkMended(t, b)
	}
}

func TestRewritingAllocatesNothing(t *testing.T) {
	h := scan(t, sample200)
	dst := make([]byte, 0, 512)
	r := Rewrite{From: []byte("a@b/c"), To: []byte("d\n"), PP: []byte("e")}
	if got := testing.AllocsPerRun(100, func() { dst = h.AppendRewritten(dst[:0], sample200, r) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func FuzzRewrite(f *testing.F) {
	for i, name := range sortedKeys(envelopes(f, "envelopes")) {
		f.Add(envelopes(f, "envelopes")[name], uint32(i))
	}
	f.Fuzz(func(t *testing.T, b []byte, choice uint32) {
		var h Header
		if _, err := h.Scan(b); err != nil {
			return
		}
		checkRewrite(t, b, choice)
		checkMended(t, b)
	})
}
