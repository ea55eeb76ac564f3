package lime

import (
	"encoding/json"
	"testing"
)

func TestOneMoreTextInTheMetadata(t *testing.T) {
	for envelope, want := range map[string]string{
		`{"content":1}`:                              `{"content":1,"metadata":{"k":"v"}}`,
		` { "content" : 1 } x`:                       `{ "content" : 1 ,"metadata":{"k":"v"}}`,
		`{"content":1,"metadata":{}}`:                `{"content":1,"metadata":{"k":"v"}}`,
		`{"metadata":{ },"content":1}`:               `{"metadata":{ "k":"v"},"content":1}`,
		`{"metadata":null,"content":1}`:              `{"metadata":{"k":"v"},"content":1}`,
		`{"metadata":{"a":"}","k":"x"},"content":1}`: `{"metadata":{"a":"}","k":"x","k":"v"},"content":1}`,
		`{}`: `{"metadata":{"k":"v"}}`,
	} {
		var h Header
		if _, err := h.Scan([]byte(envelope)); err != nil {
			t.Fatalf("%s: %v", envelope, err)
		}
		got := string(h.AppendWithMetadata([]byte("before "), []byte(envelope), "k", "v"))
		if got != "before "+want {
			t.Errorf("%s becomes %s, want %s", envelope, got, want)
		}
		var e struct{ Metadata map[string]string }
		if err := json.Unmarshal([]byte(want), &e); err != nil || e.Metadata["k"] != "v" {
			t.Errorf("%s has %v (%v)", want, e.Metadata, err)
		}
	}
}
