package lime

import (
	"errors"
	"testing"
)

func TestMediaTypesAreParsed(t *testing.T) {
	for s, want := range map[string]MediaType{
		"text/plain":                         {"text", "plain", ""},
		"application/vnd.lime.presence+json": {"application", "vnd.lime.presence", "json"},
		"image/svg+xml":                      {"image", "svg", "xml"},
		"application/a+b+json":               {"application", "a+b", "json"},
		"text/plain ; charset=utf-8":         {"text", "plain", ""}, // parameters are cut off
		"\ttext/plain;":                      {"text", "plain", ""},
		"x-acme/y_z.1":                       {"x-acme", "y_z.1", ""},
	} {
		m, err := ParseMediaType(s)
		if err != nil || m != want {
			t.Errorf("%q is %+v, %v", s, m, err)
		}
	}
	for _, s := range []string{"", "/", "text", "text/", "/plain", "text/plain+", "text/+json", "te xt/plain", "text/pl/ain", "text/plain\n", "text/ä", "*/*", "text/a+ä"} {
		if m, err := ParseMediaType(s); !errors.Is(err, &Reason{Code: CodeValidationInvalidResource}) || m.String() != "" {
			t.Errorf("%q is %+v, %v", s, m, err)
		}
	}
}

func TestMediaTypesAreTheSameInAnyCase(t *testing.T) {
	m, err := ParseMediaType("Application/VND.Lime.Presence+JSON;x=y")
	if err != nil || !m.Is(MediaPresence) || m.Is(MediaAccount) || m.Is(MediaText) || m.Is("") || !m.IsJSON() {
		t.Error(m, err)
	}
	if m.String() != "Application/VND.Lime.Presence+JSON" {
		t.Error("the spelling is lost:", m)
	}
}

func TestJSONIsToldBySuffixOrSubtype(t *testing.T) {
	for s, want := range map[string]bool{
		MediaJSON: true, MediaPing: true, MediaText: false, MediaIdentity: false, "application/json+xml": false, "text/JSON": true,
	} {
		if m, err := ParseMediaType(s); err != nil || m.IsJSON() != want {
			t.Errorf("%s is JSON: %t, %v", s, m.IsJSON(), err)
		}
	}
}

func FuzzMediaType(f *testing.F) {
	for _, s := range []string{MediaText, MediaPresence, "a/b+c+d;e=f", " a/b ", "a/+", "*/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMediaType(s)
		if err != nil {
			return
		}
		again, err := ParseMediaType(m.String())
		if err != nil || again != m || !m.Is(m.String()) {
			t.Fatalf("%q is %+v, but %q is %+v, %v", s, m, m, again, err)
		}
	})
}
