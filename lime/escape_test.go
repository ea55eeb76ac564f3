package lime

import (
	"errors"
	"strings"
	"testing"
)

func TestAnyTextCanBeAName(t *testing.T) {
	for _, text := range []string{"ana", "Ana", "ana@example.org", "a b", "É", "%41", `"&'/:<>@`, "?a=1;b=\"x\"", "\x00\n", Postmaster} {
		name := string(AppendEscapedName(nil, text))
		if i, err := ParseIdentity(name + "@t"); err != nil || i.Name != name || IsPostmaster(name) {
			t.Errorf("%q becomes %q: %v", text, name, err)
		}
		for _, spelled := range []string{name, strings.ToUpper(name)} {
			if back, err := UnescapeName(spelled); back != text || err != nil {
				t.Errorf("%q, as %q, becomes %q (%v)", text, spelled, back, err)
			}
		}
	}
	for _, bad := range []string{"%", "%zz", "%ff"} {
		if text, err := UnescapeName(bad); !errors.Is(err, ErrAddress) {
			t.Errorf("%q becomes %q (%v)", bad, text, err)
		}
	}
}
