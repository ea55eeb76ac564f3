package lime

import (
	"encoding"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

type word interface {
	encoding.TextMarshaler
	String() string
}

func checkWords[E interface {
	~uint8
	word
}, P interface {
	*E
	encoding.TextUnmarshaler
}](t *testing.T, last E, names []string,
) {
	t.Helper()
	if int(last) != len(names)-1 {
		t.Errorf("%d names for %d values", len(names)-1, last)
	}
	for v := E(1); v <= last; v++ {
		text, err := v.MarshalText()
		if err != nil || string(text) != v.String() || strings.ToLower(v.String()) != v.String() {
			t.Errorf("%d is written %q", v, text)
		}
		var got E
		if err := P(&got).UnmarshalText([]byte(strings.ToUpper(v.String()))); err != nil || got != v {
			t.Errorf("%q is read as %v, %v", text, got, err)
		}
	}
	var got E
	if err := P(&got).UnmarshalText([]byte("nonsense")); !errors.Is(err, ErrMalformed) || got != 0 {
		t.Errorf("nonsense is read as %v, %v", got, err)
	}
	if text := (last + 1).String(); text == "" {
		t.Errorf("an unknown value has no text")
	}
}

func TestWordsAreWrittenLowerAndReadInAnyCase(t *testing.T) { // L-ENV-10, L-ENV-11
	checkWords(t, EventAuthorized, eventNames)
	checkWords(t, MethodObserve, methodNames)
	checkWords(t, CommandFailure, statusNames)
	checkWords(t, StateFailed, stateNames)
	if KindSession.String() != "session" || KindUnknown.String() != "unknown" {
		t.Error(KindSession, KindUnknown)
	}
	b, err := json.Marshal(struct {
		E Event  `json:"e,omitempty"`
		M Method `json:"m,omitempty"`
	}{M: MethodGet})
	if err != nil || string(b) != `{"m":"get"}` {
		t.Error(string(b), err)
	}
}
