package lime

import (
	"errors"
	"slices"
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

// Reference clients read documents by their type: lime-go hears nothing more after
// one that does not fit, and the reference implementation closes the connection.
func TestDocumentsFitTheirTypes(t *testing.T) {
	object, text := []byte{'{'}, []byte{'"'}
	never := []byte("[ntf0-")
	for mediaType, fit := range map[string][]byte{
		"text/plain":                      text,
		"text/plain; charset=utf-8":       text,
		"application/vnd.lime.identity":   text,
		"image/svg+xml":                   text,
		"application/json":                object,
		"application/vnd.acme.order+json": object,
		// Some take these for JSON, and others do not.
		"application/JSON":                nil,
		"text/json":                       nil,
		"text/json ; charset=utf-8":       nil,
		"application/json; charset=utf-8": nil,
		"application/vnd.acme.order+Json": nil,
		// These are no types.
		"json": nil, "text/": nil, "/plain": nil, "": nil,
	} {
		for _, first := range slices.Concat(object, text, never) {
			if got, want := fits([]byte(mediaType), first), slices.Contains(fit, first); got != want {
				t.Errorf("a document of %q that begins with %c: %t", mediaType, first, got)
			}
		}
	}
}

func TestOnlyDocumentsThatFitAreForwarded(t *testing.T) {
	for b, want := range map[string]bool{
		`{"content":"x","type":"text/plain"}`:                                  true,
		`{"content":{},"type":"text/plain"}`:                                   false,
		`{"content":{},"resource":1,"type":"application/json"}`:                true,
		`{"method":"set","uri":"/x","resource":{},"type":"application/json"}`:  true,
		`{"method":"set","uri":"/x","resource":[],"type":"application/json"}`:  false,
		`{"method":"get","status":"success","resource":1,"type":"text/plain"}`: false,
		`{"method":"get","uri":"/x","resource":null,"type":"text/plain"}`:      true,
		`{"method":"get","uri":"/x","type":"text/json"}`:                       true,
		`{"event":"received","id":"1"}`:                                        true,
	} {
		if r := scan(t, []byte(b)).CheckDocument(); (r == nil) != want {
			t.Errorf("%s: %v", b, r)
		}
	}
}
