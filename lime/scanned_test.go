package lime

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// FuzzScannedIsDecoded makes envelopes in both ways, which must be the same.
func FuzzScannedIsDecoded(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","from":"ana@example.org/home","to":"rui","pp":null,"type":"text/plain","content":"x"}`,
		` {"metadata":{"a":1,"b":null,"c":[]},"content":null,"type":"\u0061/b+json","id":""}`,
		`{"content":{"a":[1,2,{"b":"}"}]},"type":null,"to":"@example.org/","metadata":"none"}`,
		`{"id":"1","event":"FAILED","reason":{"code":42,"description":"no \ud83d\ude00"},"from":"a@b/c/d"}`,
		`{"event":"failed","reason":"no"}`, `{"event":"received","reason":null,"metadata":null}`, `{"event":"failed","reason":7}`,
		`{"id":"1","method":"get","uri":"lime://a@b/c?d=e","status":null,"resource":[1],"type":"application/json"}`,
		`{"id":"1","method":"set","status":"failure","reason":{"code":"1"}}`, `{"method":"observe","resource":null}`,
		`{"content":"x","from":"a b@c@/d@"}`, `{"content":"x","to":"@"}`, `{"event":"received","pp":"\u0000@"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Header
		n, err := h.Scan(b)
		if err != nil {
			return
		}
		object := b[:n]
		var got, want any
		var gotErr, wantErr error
		switch h.Kind {
		case KindMessage:
			got, gotErr = h.Message(b)
			want, wantErr = DecodeMessage(object)
		case KindNotification:
			got, gotErr = h.Notification(b)
			want, wantErr = DecodeNotification(object)
		case KindCommand:
			got, gotErr = h.Command(b)
			want, wantErr = DecodeCommand(object)
			if r := h.Resource(b); wantErr == nil && !bytes.Equal(r, want.(*Command).Resource) {
				t.Errorf("%s: its resource is %s", object, r)
			}
		default:
			return
		}
		switch {
		case (gotErr == nil) != (wantErr == nil):
			t.Errorf("%s: %v, and decoded %v", object, gotErr, wantErr)
		case gotErr != nil && !errors.Is(gotErr, ErrMalformed):
			t.Errorf("%s: %v", object, gotErr)
		case gotErr == nil && !reflect.DeepEqual(got, want):
			t.Errorf("%s: %+v, and decoded %+v", object, got, want)
		}
	})
}

func BenchmarkScannedMessage(b *testing.B) {
	text := []byte(`{"id":"6f1e0c9a-1","from":"rui@example.org/desk","to":"ana@example.org/home","type":"text/plain","content":"hello, how are you today?"}`)
	var h Header
	for name, decode := range map[string]func() (*Message, error){
		"of the header": func() (*Message, error) { return h.Message(text) },
		"decoded":       func() (*Message, error) { return DecodeMessage(text) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Scan(text); err != nil {
					b.Fatal(err)
				}
				if _, err := decode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
