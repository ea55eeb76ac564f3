package lime

import (
	"strings"
	"testing"
)

func TestATextOfTheMetadata(t *testing.T) {
	for envelope, want := range map[string]string{
		`{"content":1}`:                                          "none",
		`{"content":1,"k":"v"}`:                                  "none",
		`{"content":1,"metadata":null}`:                          "none",
		`{"content":{"metadata":{"k":"v"}}}`:                     "none",
		`{"content":1,"metadata":{}}`:                            "none",
		`{"content":1,"metadata":{"kk":"v","K":"v","":"k"}}`:     "none",
		`{"content":1,"metadata":{"a":"k","b":"\"k\":\"v\""}}`:   "none",
		`{"content":1,"metadata":{"k":7}}`:                       "none",
		`{"content":1,"metadata":{"k":""}}`:                      "",
		` {"metadata":{"k":"v"},"content":1} x`:                  "v",
		`{"metadata" : { "a":"}" , "k" : "v w" } , "content":1}`: "v w",
		`{"metadata":{"k":"first","k":"second"},"content":1}`:    "second",
		`{"metadata":{"k":"\u0076\""},"content":1}`:              `\u0076\"`,
		`{"content":"x","metadata":{"a":{"k":"no"},"k":"v"}}`:    "v",
		`{"event":"received","metadata":{"k":"v"}}`:              "v",
	} {
		b := []byte(envelope)
		text := scan(t, b).MetadataText(b, "k")
		if got := string(text); got != want && (text != nil || want != "none") {
			t.Errorf("%s has %q, want %s", envelope, got, want)
			continue
		}
		if len(text) == 0 {
			continue
		}
		for i := range text {
			text[i] = '#'
		}
		if changed := strings.Replace(envelope, `:"`+want, `:"`+strings.Repeat("#", len(want)), 1); string(b) != changed && !strings.Contains(envelope, " : ") {
			t.Errorf("%s became %s: the text is not that in the envelope", envelope, b)
		}
	}
}

func TestLookingForATextAllocatesNothing(t *testing.T) {
	b := []byte(`{"content":1,"metadata":{"a":"b","k":"v"}}`)
	h := scan(t, b)
	if got := testing.AllocsPerRun(100, func() { h.MetadataText(b, "k") }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
