package event_test

import (
	"bytes"
	"testing"

	"limegrove/event"
)

// FuzzEvent: what is read is written, and read as the same again.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"id":"s.session.started","type":"session.started","time":"2026-01-02T03:04:05.678Z","domain":"t","identity":"ana@t","node":"Ana@t/1","data":{"id":"s","guest":true}}`,
		`{"id":"x","type":"message.failed","time":"2026-01-02T03:04:05Z","identity":"@t","data":{"to":"/1","envelope":{"a":"<"},"reason":{"code":1}}}`,
		`{"id":"x","type":"presence.changed","time":"2026-01-02T03:04:05.678Z","identity":"a","data":{"presence":{"instances":["x"]}}}`,
		`{"id":"x","type":"more","time":"0000-01-02T03:04:05.678Z"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var e, again event.Event
		if e.UnmarshalJSON(text) != nil || e.Detail == nil {
			return
		}
		once, err := e.MarshalJSON()
		if err != nil {
			t.Fatalf("%s cannot be written: %v", text, err)
		}
		if err := again.UnmarshalJSON(once); err != nil {
			t.Fatalf("%s is written as %s: %v", text, once, err)
		}
		twice, err := again.MarshalJSON()
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s is written as\n%s and then\n%s, %v", text, once, twice, err)
		}
	})
}
