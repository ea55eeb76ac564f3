package lime

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

const serverNode = "postmaster@example.org/#srv1"

// TestServerEnvelopesAreWrittenAsTheReferenceHasThem: L-ENV-10.
func TestServerEnvelopesAreWrittenAsTheReferenceHasThem(t *testing.T) {
	server := MustParseNode(serverNode)
	alice := MustParseNode("alice@example.org/home")
	all := envelopes(t, "envelopes")
	for name, got := range map[string][]byte{
		"notification-failed": AppendNotification(nil, []byte("m-1"), []byte(serverNode), []byte("alice@example.org/home"),
			EventFailed, NewReason(CodeRoutingDestinationNotFound, "no route")),
		"notification-received": (&Notification{
			ID: "m-1", From: MustParseNode("bob@example.org/desk"), To: alice, Event: EventReceived,
		}).AppendJSON(nil),
		"command-success": AppendCommandResponse(nil, []byte("c-9"), []byte(serverNode), []byte("alice@example.org/home"),
			MethodGet, CommandSuccess, MediaPresence, []byte(`{"status":"available","instances":["home","phone"]}`), nil),
		"command-failure": (&Command{
			ID: "c-2", From: server, To: alice, Method: MethodGet, URI: "/nope", // L-CMD-02
			Status: CommandFailure, Reason: NewReason(CodeCommandResourceNotSupported, "No handler for /nope"),
		}).AppendJSON(nil),
		"command-subscribe": (&Command{ID: "c-3", Method: MethodSubscribe, URI: "lime://bob@example.org/presence"}).AppendJSON(nil),
		"session-new":       (&Session{State: StateNew}).AppendJSON(nil),
		"session-negotiating-offer": (&Session{
			ID: "S1", From: server, State: StateNegotiating,
			EncryptionOptions: []string{"tls", "none"}, CompressionOptions: []string{"none"},
		}).AppendJSON(nil),
		"session-negotiating-choice": (&Session{
			ID: "S1", State: StateNegotiating, Encryption: "tls", Compression: "none",
		}).AppendJSON(nil),
		"session-authenticating-offer": (&Session{
			ID: "S1", From: server, State: StateAuthenticating, SchemeOptions: []string{"guest", "plain", "key", "external"},
		}).AppendJSON(nil),
		"session-roundtrip": (&Session{
			ID: "S1", From: server, State: StateAuthenticating, Scheme: "key", Authentication: json.RawMessage(`{"key":"bm9uY2UtMQ=="}`),
		}).AppendJSON(nil),
		"session-established": (&Session{ID: "S1", From: server, To: alice, State: StateEstablished}).AppendJSON(nil),
		"session-failed": (&Session{
			ID: "S1", From: server, State: StateFailed,
			Reason: &Reason{CodeSessionAuthenticationFailed, "The credentials were not accepted"},
		}).AppendJSON(nil),
		"message-object": (&Message{
			ID: "m-2", To: MustParseNode("bob@example.org/desk"), Type: "application/vnd.acme.order+json",
			Content: json.RawMessage(`{"sku":"A1","qty":3}`), Metadata: Metadata{"origin": "web"},
		}).AppendJSON(nil),
		"message-null-content": (&Message{ID: "m-9", To: MustParseNode("bob@example.org"), Type: MediaText}).AppendJSON(nil),
	} {
		var want, have map[string]any
		if err := json.Unmarshal(all[name], &want); err != nil {
			t.Fatal(name, err)
		}
		if err := json.Unmarshal(got, &have); err != nil || !reflect.DeepEqual(want, have) {
			t.Errorf("%s: got\n%s, %v; want\n%s", name, got, err, all[name])
		}
		h := scan(t, got)
		empty := name == "message-null-content" // which nobody sends
		if h.Size != len(got) || (h.Check() != nil) != empty {
			t.Errorf("%s: %s: %v", name, got, h.Check())
		}
	}
}

func TestEnvelopesSurviveWritingAndDecoding(t *testing.T) {
	for name, b := range envelopes(t, "envelopes") {
		var out []byte
		var first, second any
		var err, again error
		switch h := scan(t, b); h.Kind {
		case KindMessage:
			var m *Message
			m, err = DecodeMessage(b)
			out = m.AppendJSON(nil)
			first = m
			second, again = DecodeMessage(out)
		case KindNotification:
			var n *Notification
			n, err = DecodeNotification(b)
			out = n.AppendJSON(nil)
			first = n
			second, again = DecodeNotification(out)
		case KindCommand:
			var c *Command
			c, err = DecodeCommand(b)
			out = c.AppendJSON(nil)
			first = c
			second, again = DecodeCommand(out)
		case KindSession:
			var s *Session
			s, err = DecodeSession(b)
			out = s.AppendJSON(nil)
			first = s
			second, again = DecodeSession(out)
		default:
			continue
		}
		if err != nil || again != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%s was written as %s: %v, %v", name, out, err, again)
		}
	}
}

func TestDecodingTellsBadAddressesFromBadEnvelopes(t *testing.T) { // L-SES-17
	_, err := DecodeSession([]byte(`{"state":"authenticating","from":"a@b@c"}`))
	if !errors.Is(err, ErrMalformed) || !errors.Is(err, ErrAddress) {
		t.Error(err)
	}
	_, err = DecodeSession([]byte(`{"state":"authenticating","schemeOptions":5}`))
	if !errors.Is(err, ErrMalformed) || errors.Is(err, ErrAddress) {
		t.Error(err)
	}
}

func TestTextsAreEscapedButNotForHTML(t *testing.T) {
	n := Notification{ID: "<&>\"\\\b\f\n\r\t\x00\x7f\u2028é\xff", To: MustParseNode(`a\@b/"`), Event: EventReceived}
	got := string(n.AppendJSON(nil))
	want := `{"id":"<&>\"\\\u0008\u000c\n\r\t\u0000` + "\x7f\u2028é\ufffd" + `","to":"a\\@b/\"","event":"received"}`
	if got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	if h := scan(t, []byte(got)); string(h.To) != `a\@b/"` {
		t.Errorf("to is %q", h.To)
	}
}

func TestMetadataIsReadLenientlyAndWrittenSorted(t *testing.T) { // L-ENV-05, L-ENV-06
	m, err := DecodeMessage([]byte(`{"type":"t/t","content":1,"metadata":{"z":"1","a":2,"n":null,"o":{},"b":true,"é\n":"\u0000"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"metadata":{"a":"2","b":"true","z":"1","é\n":"\u0000"},"type":"t/t","content":1}`
	if got := string(m.AppendJSON(nil)); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	for _, b := range []string{`null`, `"x"`, `[1]`, `{}`, `{"a":null}`} {
		got := Metadata{"old": "value"}
		if err := json.Unmarshal([]byte(b), &got); err != nil || got != nil {
			t.Errorf("%s is %v, %v", b, got, err)
		}
	}
	var got Metadata
	if got.UnmarshalJSON([]byte(`{"a"`)) == nil {
		t.Error("half an object is metadata")
	}
}

func TestNotificationsAndResponsesAreMadeWithoutAllocation(t *testing.T) {
	id, from, to := []byte("m-1"), []byte(serverNode), []byte("alice@example.org/home")
	reason := NewReason(CodeRoutingDestinationNotFound, "no route")
	session := Session{ID: "S1", From: MustParseNode(serverNode), To: MustParseNode(string(to)), State: StateEstablished}
	dst := make([]byte, 0, 512)
	for name, f := range map[string]func(){
		"AppendNotification": func() { dst = AppendNotification(dst[:0], id, from, to, EventFailed, reason) },
		"AppendCommandResponse": func() {
			dst = AppendCommandResponse(dst[:0], id, from, to, MethodGet, CommandSuccess, MediaPing, []byte("{}"), nil)
		},
		"Session.AppendJSON": func() { dst = session.AppendJSON(dst[:0]) },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s allocates %v times", name, got)
		}
	}
}

func BenchmarkAppendNotification(b *testing.B) {
	id, from, to := []byte("m-1"), []byte(serverNode), []byte("alice@example.org/home")
	dst := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendNotification(dst[:0], id, from, to, EventAccepted, nil)
	}
}
