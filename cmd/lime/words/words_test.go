package words

import "testing"

// What others have written cannot steer the terminal.
func TestOthersWordsAreShownAsTheyAre(t *testing.T) {
	for text, want := range map[string]string{
		"a\x1b[2J\u009bb\tc\n\x7f":          "a\ufffd[2J\ufffdb\tc\n\ufffd",
		"\u202egnp.exe\u202c \u2067x\u2069": "\ufffdgnp.exe\ufffd \ufffdx\ufffd",
		"שלום\u200f!":                       "שלום!",
		"a\u2028b\r":                        "a\ufffdb\ufffd",
		"👩\u200d👩\u200d👧 e\u0301 漢字":        "👩\u200d👩\u200d👧 e\u0301 漢字",
		"\xff\x9b2J":                        "\ufffd\ufffd2J",
	} {
		if got := Clean(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	for content, want := range map[string]string{`"hello"`: "hello", `{ "a": 1 }`: `a/b {"a":1}`, `1`: "a/b 1", `{`: "{"} {
		if got := Content("a/b", []byte(content)); got != want {
			t.Errorf("%s is shown as %q", content, got)
		}
	}
}
