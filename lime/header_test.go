package lime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// sample200 is a message of 200 bytes, as chat clients send it.
var sample200 = []byte(`{"id":"6f1c7e0a-55f2-4c8e-9d0e-0d6f3a1b2c3d","from":"alice@example.org/home",` +
	`"to":"bob@example.org","type":"text/plain","content":"See you at the station at half past seven, platform four, coach 12!"}`)

// sampleEscaped has escapes in every text of the header.
var sampleEscaped = []byte(`{"id":"m\u002d1","from":"al\u0069ce@example.org\/home","to":"bob\u0040example.org",` +
	`"p\u0070":"a\/b","type":"text\/plain","uri":"\/x","content":"\ud83d\ude00 \n"}`)

func scan(t testing.TB, b []byte) *Header {
	t.Helper()
	h := new(Header)
	if _, err := h.Scan(b); err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	return h
}

func TestTheKindIsToldByPresenceInOrder(t *testing.T) { // L-ENV-01
	for _, c := range []struct {
		members string
		want    Kind
	}{
		{`"state":"new","method":"get","event":"received","content":0`, KindMessage},
		{`"state":"new","method":"get","event":"received"`, KindNotification},
		{`"state":"new","method":"get"`, KindCommand},
		{`"state":"new"`, KindSession},
		{`"content":null`, KindMessage},
		{`"content":"x","method":null,"event":null`, KindMessage}, // L-ENV-03
		{`"event":"failed","method":null`, KindNotification},      // L-ENV-03
		{`"Content2":1,"x":2`, KindUnknown},                       // L-ENV-04
	} {
		if got := scan(t, []byte("{"+c.members+"}")).Kind; got != c.want {
			t.Errorf("{%s} is %s, want %s", c.members, got, c.want)
		}
	}
}

func TestUnknownMembersAreLeftAlone(t *testing.T) { // L-ENV-02
	b := []byte(`{"x":{"from":1,"From":2},"x":1,"X":[{"id":{}}],"scheme":"plain","Authentication":{},"id":"1"}`)
	if h := scan(t, b); string(h.ID) != "1" || h.From != nil {
		t.Errorf("%+v", h)
	}
}

func TestAbsentNullAndEmptyTextsAreTheSame(t *testing.T) { // L-ENV-03
	for _, value := range []string{`null`, `""`} {
		h := scan(t, []byte(`{"id":`+value+`,"from":`+value+`,"to":`+value+`,"pp":`+value+`,"type":`+value+`,"uri":`+value+`}`))
		for _, text := range [][]byte{h.ID, h.From, h.To, h.PP, h.Type, h.URI} {
			if text != nil {
				t.Errorf("%s is %q", value, text)
			}
		}
	}
	h := scan(t, []byte(`{"resource":null,"reason":null,"metadata":null,"status":null}`))
	if h.HasResource || h.HasReason || h.NeedsMending || h.Status != 0 {
		t.Errorf("%+v", h)
	}
}

func TestEnumsAreAcceptedInAnyCase(t *testing.T) { // L-ENV-11
	h := scan(t, []byte(`{"event":"ACCEPTED","method":"Unsubscribe","status":"fAILURE","state":"New"}`))
	if h.Event != EventAccepted || h.Method != MethodUnsubscribe || h.Status != CommandFailure || h.State != StateNew {
		t.Errorf("%+v", h)
	}
	for _, b := range []string{`{"event":"failed\u0000"}`, `{"event":"\u017fet"}`, `{"method":"\u017fet"}`, `{"state":""}`, `{"state":"@EW"}`} {
		if _, err := h.Scan([]byte(b)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", b, err)
		}
	}
}

func TestTheScanEndsBehindTheObject(t *testing.T) { // L-TRN-04, L-TRN-06
	b := []byte(" \r\n\t{\"id\":\"1\"}\x00garbage")
	var h Header
	n, err := h.Scan(b)
	if n != 14 || err != nil || h.Size != 10 || string(h.ID) != "1" {
		t.Errorf("%d, %v, %+v", n, err, h)
	}
}

func TestACutEnvelopeIsShortWhereverItIsCut(t *testing.T) {
	var h Header
	for name, b := range envelopes(t, "envelopes") {
		whole, err := h.Scan(b)
		if err != nil {
			t.Fatal(err)
		}
		for n := range whole {
			want := ErrShort
			if len(bytes.TrimSpace(b[:n])) == 0 {
				want = ErrNone
			}
			if _, err := h.Scan(b[:n]); !errors.Is(err, want) || errors.Is(err, ErrMalformed) {
				t.Errorf("%s cut at %d: %v, want %v", name, n, err, want)
			}
		}
	}
}

func TestNoEnvelopeIsNotAnEnd(t *testing.T) {
	var h Header
	for _, b := range []string{"", " ", "\r\n\t "} {
		if n, err := h.Scan([]byte(b)); n != len(b) || !errors.Is(err, ErrNone) || errors.Is(err, io.EOF) {
			t.Errorf("%q: %d, %v", b, n, err)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	var h Header
	for _, pair := range [][2]string{{"[", "]"}, {`{"a":`, "}"}, {`[{"a":`, "}]"}} {
		each := strings.Count(pair[0], "[") + strings.Count(pair[0], "{")
		for _, name := range []string{"content", "metadata", "x"} {
			for depth, want := range map[int]error{(MaxDepth - 1) / each: nil, MaxDepth / each: ErrTooDeep, 100_000: ErrTooDeep} {
				if each == 2 && depth == MaxDepth/each {
					depth, want = MaxDepth/each, ErrTooDeep // 65 with the envelope
				}
				b := `{"` + name + `":` + strings.Repeat(pair[0], depth) + `""` + strings.Repeat(pair[1], depth) + `}`
				if _, err := h.Scan([]byte(b)); !errors.Is(err, want) {
					t.Errorf("%s %d deep: %v, want %v", pair[0], depth*each+1, err, want)
				}
			}
		}
	}
	if !errors.Is(ErrTooDeep, ErrMalformed) {
		t.Error("too deep is not malformed")
	}
}

func TestErrorsSayWhereButNotWhat(t *testing.T) {
	var h Header
	_, err := h.Scan([]byte(`{"content":"secret","x":secret}`))
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != 24 || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

func TestTextsAliasWhatWasScanned(t *testing.T) {
	b := bytes.Clone(sample200)
	h := scan(t, b)
	at := bytes.Index(b, h.To)
	if at < 0 || &b[at] != &h.To[0] {
		t.Error("to is a copy")
	}
	if cap(h.To) != len(h.To) {
		t.Error("an append to a text writes into the envelope")
	}
}

func TestEscapedTextsAreDecoded(t *testing.T) {
	h := scan(t, sampleEscaped)
	for _, c := range []struct{ got, want string }{
		{string(h.ID), "m-1"},
		{string(h.From), "alice@example.org/home"},
		{string(h.To), "bob@example.org"},
		{string(h.PP), "a/b"},
		{string(h.Type), "text/plain"},
		{string(h.URI), "/x"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	h = scan(t, []byte(`{"id":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00\u0000"}`))
	if want := "\"\\/\b\f\n\r\té😀\x00"; string(h.ID) != want {
		t.Errorf("got %q, want %q", h.ID, want)
	}
}

func TestScanningAllocatesNothing(t *testing.T) {
	var h Header
	for name, b := range map[string][]byte{
		"plain":         sample200,
		"escaped":       sampleEscaped,
		"with metadata": []byte(`{"id":"1","type":"t/t","content":[1,{"a":"é"}],"metadata":{"a":null,"b":"c"}}`),
		"unknown names": []byte(`{"status2":1,"ſtrange":2,"authentication":{}}`),
	} {
		if got := testing.AllocsPerRun(100, func() {
			if _, err := h.Scan(b); err != nil {
				t.Fatal(err)
			}
			_ = h.Check()
		}); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func TestAHeaderDoesNotKeepALargeText(t *testing.T) {
	h := scan(t, []byte(`{"id":"\n`+strings.Repeat("x", 1<<20)+`"}`))
	if _, err := h.Scan(sample200); err != nil || cap(h.scratch) > maxScratch {
		t.Errorf("it keeps %d bytes", cap(h.scratch))
	}
}

func TestMetadataAndReasonsThatNeedMendingAreFound(t *testing.T) { // L-ENV-05, L-ENV-06, L-ENV-12
	for b, want := range map[string]string{
		`{"metadata":{"a":"b"}}`:                      "",
		`{"metadata":{ }}`:                            "",
		`{"metadata":null}`:                           "",
		`{"metadata":{"a":null}}`:                     `{"metadata":{}}`,
		`{"metadata" : {"a":1,"b" : "c" , "d":-1e3}}`: `{"metadata" : {"a":"1","b" : "c","d":"-1e3"}}`,
		`{"metadata":{"a":[1,{"x":"y"}],"b":true}}`:   `{"metadata":{"b":"true"}}`,
		`{"metadata":"x","id":"1"}`:                   `{"metadata":{},"id":"1"}`,
		`{"metadata":[1]}`:                            `{"metadata":{}}`,
		`{"reason":{"code":1}}`:                       "",
		`{"reason":"no\n"}`:                           `{"reason":{"code":1,"description":"no\n"}}`,
		`{"reason":"no","metadata":{"a":0}}`:          `{"reason":{"code":1,"description":"no"},"metadata":{"a":"0"}}`,
		`{"metadata":{"a":0},"reason":"no"}`:          `{"metadata":{"a":"0"},"reason":{"code":1,"description":"no"}}`,
		`{"reason":"no","metadata":"x"}`:              `{"reason":{"code":1,"description":"no"},"metadata":{}}`,
		`{"reason":"no","metadata":null}`:             `{"reason":{"code":1,"description":"no"},"metadata":null}`,
		`{"reason":{"code":1},"metadata":{"a":0}}`:    `{"reason":{"code":1},"metadata":{"a":"0"}}`,
		// L-CMD-02: lime-go takes a response with a uri for a request.
		`{"id":"1","method":"get","status":"success","uri":"/x"}`:                `{"id":"1","method":"get","status":"success"}`,
		"{ \"uri\" : \"\" , \"method\":\"get\",\"status\":\"failure\"}":          `{  "method":"get","status":"failure"}`,
		`{"method":"get", "\u0075ri":"/x","status":"failure","reason":"no\n"}`:   `{"method":"get","status":"failure","reason":{"code":1,"description":"no\n"}}`,
		`{"method":"get","status":"success","uri":null}`:                         "",
		`{"method":"get","status":null,"uri":"/x"}`:                              "",
		`{"status":"success","method":"get","uri":"/x"  ,"metadata":{"a":null}}`: `{"status":"success","method":"get"  ,"metadata":{}}`,
	} {
		h := scan(t, []byte(b))
		if h.NeedsMending != (want != "") {
			t.Errorf("%s: needs mending: %t", b, h.NeedsMending)
		}
		if want == "" {
			continue
		}
		if got := string(h.AppendMended(nil, []byte(b))); got != want {
			t.Errorf("%s was mended to\n%s, want\n%s", b, got, want)
		}
	}
}

func TestWhatAPeerCouldNotBearIsRefused(t *testing.T) {
	for b, want := range map[string]Code{
		// L-ENV-04
		`{"id":"1"}`: CodeValidationError,
		// L-ENV-09
		`{"content":"x"}`:                      CodeValidationError,
		`{"content":"x","type":null}`:          CodeValidationError,
		`{"content":"x","type":"text/plain"}`:  0,
		`{"content":null,"type":"text/plain"}`: CodeValidationEmptyDocument,
		// L-NOT-11
		`{"event":"received"}`:        CodeValidationError,
		`{"event":"failed","id":"1"}`: 0,
		`{"method":"get","id":"1"}`:   CodeValidationError,
		// for others to drop: L-CMD-08
		`{"method":"get","uri":"/x"}`: 0,
		// L-CMD-12
		`{"method":"set","uri":"/x"}`: CodeValidationEmptyDocument,
		// L-CMD-12
		`{"method":"merge","uri":"/x"}`:       CodeValidationEmptyDocument,
		`{"method":"set","status":"success"}`: 0,
		// it is deleted
		`{"method":"observe","uri":"/x"}`:                                     0,
		`{"method":"set","uri":"/x","resource":{}}`:                           CodeValidationInvalidResource,
		`{"method":"set","uri":"/x","resource":{},"type":"application/json"}`: 0,
		`{"state":"new"}`: 0,
	} {
		var got Code
		if r := scan(t, []byte(b)).Check(); r != nil {
			got = r.Code
		}
		if got != want {
			t.Errorf("%s gets code %d, want %d", b, got, want)
		}
	}
}

// BenchmarkScan scans messages of a length, as chat clients send them.
func BenchmarkScan(b *testing.B) {
	for _, size := range []int{128, 1 << 10, 16 << 10} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			envelope := sampleOf(size)
			var h Header
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := h.Scan(envelope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// sampleOf is a message of size bytes.
func sampleOf(size int) []byte {
	const head, text, end = `{"id":"6f1c7e0a","from":"alice@example.org/home","to":"bob@example.org","type":"text/plain","content":"`,
		"See you at half past seven. ", `"}`
	b := []byte(head + strings.Repeat(text, size/len(text)+1))
	return append(b[:size-len(end)], end...)
}

func BenchmarkScanLargeText(b *testing.B) {
	for name, text := range map[string]string{"ascii": "See you at half past seven. ", "chinese": "七点半在车站见，"} {
		b.Run(name, func(b *testing.B) {
			envelope := []byte(`{"id":"1","type":"text/plain","content":"` + strings.Repeat(text, 400) + `"}`)
			var h Header
			b.SetBytes(int64(len(envelope)))
			for b.Loop() {
				if _, err := h.Scan(envelope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendRewritten(b *testing.B) {
	h := scan(b, sample200)
	dst := make([]byte, 0, 512)
	from := []byte("alice@example.org/home")
	b.ReportAllocs()
	for b.Loop() {
		dst = h.AppendRewritten(dst[:0], sample200, Rewrite{From: from})
	}
}
