package tracing

import (
	"strings"
	"testing"
)

// That of the specification, recorded.
const example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestTraceparents(t *testing.T) {
	for text, want := range map[string]struct{ ok, sampled bool }{
		example:                               {true, true},
		example[:53] + "00":                   {true, false},
		example[:53] + "03":                   {true, true}, // and the trace's id is random
		example[:53] + "f8":                   {true, false},
		"":                                    {},
		example[:54]:                          {},
		example + "-":                         {},
		"01" + example[2:]:                    {}, // a version that is not known
		"ff" + example[2:]:                    {},
		strings.ToUpper(example):              {},
		strings.Replace(example, "a", "g", 1): {},
		strings.ReplaceAll(example, "-", "_"): {},
		"00-" + strings.Repeat("0", 32) + example[35:]:        {},
		example[:36] + strings.Repeat("0", 16) + example[52:]: {},
		example[:36] + strings.Repeat(" ", 16) + example[52:]: {},
		example[:53] + "0\x00":                                {},
	} {
		c, ok := parse([]byte(text))
		if ok != want.ok || ok && c.Sampled() != want.sampled {
			t.Errorf("%q is one: %t, recorded: %t; want %+v", text, ok, c.Sampled(), want)
		}
	}
}

func TestTheParentIsOverwrittenInPlace(t *testing.T) {
	text := []byte(example[:53] + "ff")
	c, _ := parse(text)
	c.Span = SpanID{1, 2, 3, 4, 5, 6, 7, 0xf8}
	c.write(text)
	if want := "00-4bf92f3577b34da6a3ce929d0e0e4736-01020304050607f8-03"; string(text) != want || c.String() != want {
		t.Errorf("%s, as text %s, want %s", text, c, want)
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(example[:53] + "ff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, ok := parse(text)
		if !ok {
			return
		}
		c.Flags &= flagSampled | flagRandom
		again, ok := parse([]byte(c.String()))
		if !ok || again != c {
			t.Errorf("%q is %+v, and as text %s %+v", text, c, c, again)
		}
		if c.String()[:flagsAt] != string(text[:flagsAt]) {
			t.Errorf("%q became %s", text, c)
		}
	})
}
