package room

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"limegrove/lime"
)

func TestRulesAreWrittenAsTheyAreRead(t *testing.T) {
	for _, text := range []string{
		`{"room":"/public/*","may":["enter"]}`,
		`{"room":"/user/{name}/*","who":"members","may":["enter","publish"]}`,
		`{"room":{"of":"*","owner":"{identity}","x":[1,null,"é%="]},"who":"guests","may":["publish"]}`,
		`{"room":{},"may":["enter"]}`,
		`{"room":"/x","may":["enter"],"history":{"count":5,"age":"10m0s"}}`,
		`{"room":"/x","history":{}}`,
	} {
		var r, again Rule
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(r)
		if err != nil || string(b) != text {
			t.Errorf("%s is written %s, %v", text, b, err)
		}
		if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%s is read again as %+v, %v", text, again, err)
		}
	}
	g := Grants{Revision: 1 << 60, Rules: Rules{{Room: "/x", Who: Everyone, May: Enter}}}
	var again Grants
	b, err := json.Marshal(g)
	if err == nil {
		err = json.Unmarshal(b, &again)
	}
	if err != nil || !reflect.DeepEqual(g, again) {
		t.Errorf("%s is read as %+v, %v", b, again, err)
	}
}

func TestWhatIsGrantedIsBounded(t *testing.T) {
	rules := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"room":"/x/*","may":["enter"]},`, n), ",") + "]"
	}
	for n, want := range map[int]bool{0: true, 1: true, MaxGrants: true, MaxGrants + 1: false} {
		got, err := ParseGranted([]byte(rules(n)))
		if (err == nil) != want || want && len(got) != n || err != nil && !errors.Is(err, ErrRule) {
			t.Errorf("%d rules: %d, %v", n, len(got), err)
		}
	}
	for what, bad := range map[string]string{
		"no array":            `{"room":"/x","may":["enter"]}`,
		"cut off":             `[{"room":"/x","may":["enter"]}`,
		"more behind it":      `[]]`,
		"null":                `[null]`,
		"no rule":             `[5]`,
		"a rule for others":   `[{"room":"/x","who":"guests","may":["enter"]}]`,
		"a history":           `[{"room":"/x","may":["enter"],"history":{"count":5}}]`,
		"no right":            `[{"room":"/x"}]`,
		"too deep":            `[{"room":{"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `},"may":["enter"]}]`,
		"a name too long":     `[{"room":"/` + strings.Repeat("x", 5000) + `","may":["enter"]}]`,
		"more than its bytes": `[` + strings.Repeat(" ", MaxGrantsBytes) + `]`,
	} {
		if got, err := ParseGranted([]byte(bad)); !errors.Is(err, ErrRule) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
}

func TestARightToARoomIsNoneToWhatItsWildcardMeans(t *testing.T) {
	ana := Asker{Identity: lime.MustParseIdentity("ana@t.org")}
	one, all := must(t, `"/ride/42"`), must(t, `"/ride/*"`)
	if (Rules{{Room: one, Who: Everyone, May: Enter | Publish}}).Let(ana, Enter, all) {
		t.Error("the right to one room is one to all")
	}
	wide := Rules{{Room: all, Who: Everyone, May: Enter}}
	for text, want := range map[string]bool{`"/ride/7"`: true, `"/ride/*"`: true, `"/ride"`: false, `"/ride/7/8"`: false, `"/*/7"`: false, `"/*/*"`: false} {
		if got := wide.Let(ana, Enter, must(t, text)); got != want {
			t.Errorf("the right to %s is one to %s: %t", all, text, got)
		}
	}
	if wide.Let(ana, Publish, one) {
		t.Error("the right to enter is one to publish")
	}
}

func FuzzGranted(f *testing.F) {
	f.Add(`[{"room":"/ride/*","may":["enter"]},{"room":{"a":"{name}"},"may":["publish","enter"]}]`)
	f.Add(`[{"room":{"a;b=c":"%3b"},"who":"everyone","may":["publish","publish"]}]`)
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := ParseGranted([]byte(text))
		if err != nil {
			return
		}
		b, err := json.Marshal(rules)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > MaxGrantsBytes {
			return // escapes that are longer than what they stand for
		}
		again, err := ParseGranted(b)
		if err != nil || !reflect.DeepEqual(rules, again) {
			t.Fatalf("%s: %v, %v", b, again, err)
		}
	})
}

// A session that may be told no as often as it asks must not hold up its loop.
func BenchmarkRulesThatDoNotLet(b *testing.B) {
	rules := make(Rules, MaxGrants)
	for i := range rules {
		rules[i] = Rule{Room: Name(fmt.Sprintf("/ride/%d/driver", i)), Who: Everyone, May: Enter}
	}
	ana := Asker{Identity: lime.MustParseIdentity("ana@t.org")}
	b.ReportAllocs()
	for b.Loop() {
		if rules.Let(ana, Enter, "/ride/x/driver") {
			b.Fatal("let in")
		}
	}
}
