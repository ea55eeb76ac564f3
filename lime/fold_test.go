package lime

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// checkFold holds the folded form of n against what it promises.
func checkFold(t *testing.T, n Node) {
	t.Helper()
	folded := n.Fold()
	if !folded.EqualFold(n) || !n.EqualFold(folded) {
		t.Fatalf("%q is not equal to its folded form %q", n, folded)
	}
	if again := folded.Fold(); again != folded {
		t.Fatalf("%q folds to %q, and that to %q", n, folded, again)
	}
	if got := string(AppendFold(nil, []byte(n.String()))); got != folded.String() {
		t.Fatalf("%q folds to %q, but as bytes to %q", n, folded, got)
	}
	upper := Node{Identity{strings.ToUpper(n.Name), strings.ToUpper(n.Domain)}, strings.ToUpper(n.Instance)}
	if n.EqualFold(upper) != (upper.Fold() == folded) {
		t.Fatalf("%q and %q: EqualFold and Fold disagree", n, upper)
	}
}

func TestSpellingsOfOneAddressFoldAlike(t *testing.T) { // L-ADR-05
	for _, c := range [][2]string{
		{"ALICE@Example.ORG/Home", "alice@example.org/home"},
		{"\u212Aelvin@b", "kelvin@b"}, // the Kelvin sign
		{"\u017Fam@b", "sam@b"},       // the long s
		{"ΣΊΣΥΦΟΣ@b", "σίσυφοσ@b"},
		{"Σίσυφος@b", "σίσυφοσ@b"},
		{"ÉVA@b", "éva@b"},
		{"Ⱥ@b", "ⱥ@b"}, // takes a byte more
		{"İ@b", "İ@b"}, // has no other case
		{"ı@b", "ı@b"},
		{"straße@b", "straße@b"}, // not ss: one character for one
		{"Ꭰ@b", "ꭰ@b"},
	} {
		n := MustParseNode(c[0])
		if got := n.Fold().String(); got != c[1] {
			t.Errorf("%s folds to %s, want %s", c[0], got, c[1])
		}
		checkFold(t, n)
	}
	if MustParseIdentity("i@b").EqualFold(MustParseIdentity("ı@b")) {
		t.Error("i is the dotless i")
	}
}

func TestFoldingKeepsApartWhatDiffersByMoreThanCase(t *testing.T) {
	a := MustParseNode("a@b/c")
	for _, other := range []string{"x@b/c", "a@x/c", "a@b/x", "a@b"} {
		if a.EqualFold(MustParseNode(other)) {
			t.Errorf("a@b/c equals %s", other)
		}
	}
}

// TestRunesFoldAlikeIfAndOnlyIfTheyAreEqualInCaseFolding goes through all of
// Unicode.
func TestRunesFoldAlikeIfAndOnlyIfTheyAreEqualInCaseFolding(t *testing.T) {
	alike := map[rune][]rune{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		folded := foldRune(r)
		if foldRune(folded) != folded {
			t.Fatalf("%U folds to %U, and that further", r, folded)
		}
		if r < utf8.RuneSelf && rune(AppendFold(nil, []byte{byte(r)})[0]) != folded {
			t.Fatalf("%U folds differently as ASCII", r)
		}
		alike[folded] = append(alike[folded], r)
	}
	for folded, runes := range alike {
		for _, r := range runes {
			if !strings.EqualFold(string(r), string(folded)) {
				t.Fatalf("%U folds to %U, which is not equal", r, folded)
			}
			if next := unicode.SimpleFold(r); foldRune(next) != folded {
				t.Fatalf("%U folds to %U, but its equal %U does not", r, folded, next)
			}
		}
	}
}

func TestBytesThatAreNoTextFoldToThemselves(t *testing.T) {
	if got := string(AppendFold([]byte(">"), []byte("A\xffÉ\xed\xa0\x80\xc3"))); got != ">a\xffé\xed\xa0\x80\xc3" {
		t.Errorf("%q", got)
	}
}
