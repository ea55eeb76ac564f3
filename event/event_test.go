package event_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/event"
	"limegrove/lime"
)

func TestEventsReadAsTheyWereWritten(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	node := lime.MustParseNode("Ana@Example.org/Home")
	for _, row := range []struct {
		event event.Event
		text  string
	}{
		{
			event.Event{
				ID: "s1.started", Type: event.SessionStarted, Time: at, Whom: node.Identity, Node: node,
				Detail: event.Session{ID: "s1", Edge: "edge-1-x", Guest: true, Again: true},
			},
			`{"id":"s1.started","type":"session.started","time":"2026-01-02T03:04:05.678Z","domain":"example.org",` +
				`"identity":"ana@example.org","node":"Ana@Example.org/Home","data":{"id":"s1","edge":"edge-1-x","guest":true,"again":true}}`,
		},
		{
			event.Event{
				ID: "s1.presence.2", Type: event.PresenceChanged, Time: at, Whom: node.Identity, Node: node,
				Detail: event.Presence{Session: "s1", Presence: lime.Presence{Status: lime.StatusBusy, Message: "<&>"}},
			},
			`{"id":"s1.presence.2","type":"presence.changed","time":"2026-01-02T03:04:05.678Z","domain":"example.org",` +
				`"identity":"ana@example.org","node":"Ana@Example.org/Home","data":{"session":"s1","presence":{"status":"busy","message":"<&>"}}}`,
		},
		{
			event.Event{
				ID: "3.17.absent", Type: event.MessageAbsent, Time: at, Whom: node.Identity,
				Detail: event.Message{ID: "m", To: node, Type: "text/plain", Envelope: json.RawMessage(`{"id":"m","content":"<b>"}`)},
			},
			`{"id":"3.17.absent","type":"message.absent","time":"2026-01-02T03:04:05.678Z","domain":"example.org","identity":"ana@example.org",` +
				`"data":{"id":"m","to":"Ana@Example.org/Home","type":"text/plain","envelope":{"id":"m","content":"<b>"}}}`,
		},
		{
			event.Event{
				ID: "r", Type: event.RoomLeft, Time: at, Whom: node.Identity, Node: node, Detail: event.Room{Session: "s1", Room: []byte(`"/lobby"`), Address: lime.MustParseIdentity("%2flobby@rooms.example.org")},
			},
			`{"id":"r","type":"room.left","time":"2026-01-02T03:04:05.678Z","domain":"example.org","identity":"ana@example.org",` +
				`"node":"Ana@Example.org/Home","data":{"session":"s1","room":"/lobby","address":"%2flobby@rooms.example.org"}}`,
		},
	} {
		text, err := row.event.MarshalJSON()
		if err != nil || string(text) != row.text {
			t.Errorf("written as\n%s, %v, want\n%s", text, err, row.text)
		}
		var got event.Event
		if err := json.Unmarshal([]byte(row.text), &got); err != nil {
			t.Fatalf("%s: %v", row.text, err)
		}
		want := row.event
		want.Whom = want.Whom.Fold()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("read as\n%+v, want\n%+v", got, want)
		}
	}
}

func TestEventsOfTheFutureAreRead(t *testing.T) {
	var e event.Event
	err := json.Unmarshal([]byte(`{"id":"x","type":"account.made","time":"2026-01-02T03:04:05.678Z","identity":"ana@t","data":[1],"more":true}`), &e)
	if err != nil || e.Type != "account.made" || e.Detail != nil {
		t.Errorf("%+v, %v", e, err)
	}
	for _, bad := range []string{
		``, `[]`, `{"id":"x","type":"room.left","time":"yesterday"}`, `{"id":"x","type":"room.left","time":"2026-01-02T03:04:05.678Z","data":1}`,
	} {
		if err := json.Unmarshal([]byte(bad), &e); err == nil {
			t.Errorf("%s is read as %+v", bad, e)
		}
	}
}

func TestEnvelopesThatAreNoJSONAreNotWritten(t *testing.T) {
	e := event.Event{ID: "x", Type: event.MessageAbsent, Detail: event.Message{Envelope: json.RawMessage(`{`)}}
	if text, err := e.MarshalJSON(); err == nil {
		t.Errorf("written as %s", text)
	}
}

func TestMessagesAreToldWholeUpToABound(t *testing.T) {
	const prefix, suffix = `{"id":"m","from":"ana@t/1","to":"rui@t","type":"text/plain","content":"`, `"}`
	for _, row := range []struct {
		size int
		cut  bool
	}{{event.MaxEnvelope, false}, {event.MaxEnvelope + 1, true}} {
		envelope := []byte(prefix + strings.Repeat("x", row.size-len(prefix)-len(suffix)) + suffix)
		var h lime.Header
		if _, err := h.Scan(envelope); err != nil {
			t.Fatal(err)
		}
		m, ok := event.MessageOf(&h, envelope)
		if !ok || m.Cut != row.cut || (m.Envelope == nil) != row.cut || m.ID != "m" || m.From.Instance != "1" || m.To.Name != "rui" || m.Type != "text/plain" {
			t.Errorf("%d bytes: %+v, %v", row.size, m, ok)
		}
	}
	for _, none := range []string{
		`{"to":"rui@t","type":"text/plain","content":"x"}`, `{"id":"m","to":"rui@t","event":"received"}`,
		`{"id":"m","to":"/","type":"text/plain","content":"x"}`, `{"id":"m","from":"@","to":"rui@t","type":"text/plain","content":"x"}`,
	} {
		var h lime.Header
		if _, err := h.Scan([]byte(none)); err != nil {
			t.Fatal(err)
		}
		if m, ok := event.MessageOf(&h, []byte(none)); ok {
			t.Errorf("%s is %+v", none, m)
		}
	}
}

// TestAnEventIsShortWhateverItsMessageIs: else a few would take the room of thousands.
func TestAnEventIsShortWhateverItsMessageIs(t *testing.T) {
	long := strings.Repeat("x", 400<<10)
	envelope := []byte(`{"id":"m","from":"ana@t/1","to":"rui@t","type":"text/` + long + `","content":"x"}`)
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		t.Fatal(err)
	}
	m, ok := event.MessageOf(&h, envelope)
	text, err := event.Event{ID: "x", Type: event.MessageAbsent, Whom: m.To.Identity, Detail: m}.MarshalJSON()
	if !ok || err != nil || !m.Cut || m.Type != "" || len(text) > event.MaxEnvelope {
		t.Errorf("%d bytes, %v, %v", len(text), ok, err)
	}
}

func TestTypesAreNamed(t *testing.T) {
	got, err := event.ParseTypes([]string{"session.started", "message.absent", "session.started"})
	if err != nil || !slices.Equal(got, []event.Type{event.MessageAbsent, event.SessionStarted}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err = event.ParseTypes([]string{"all"}); err != nil || len(got) != 7 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err = event.ParseTypes([]string(nil)); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err = event.ParseTypes([]string{"session.begun"}); err == nil || !strings.Contains(err.Error(), "session.ended") {
		t.Errorf("%v", err)
	}
}
