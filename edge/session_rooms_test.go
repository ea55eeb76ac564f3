package edge

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"limegrove/lime"
	"limegrove/room"
)

// visitor is a session of ana that may enter and publish to some rooms.
type visitor struct {
	*dialogue
	published []string // room, a space, and the envelope
	refuses   error    // of publish
}

func newVisitor(t *testing.T) *visitor {
	v := &visitor{dialogue: newDialogue(t)}
	rules := &v.session.rules.rooms
	if err := json.Unmarshal([]byte(`[
		{"room":"/ride/*","may":["enter","publish"]}, {"room":{"target":"*"},"may":["enter","publish"]}, {"room":"/heard","may":["enter"]}
	]`), &rules.may); err != nil {
		t.Fatal(err)
	}
	rules.on, rules.most = true, 3
	rules.publish = func(at RoomAddress, envelope []byte) error {
		v.published = append(v.published, fmt.Sprintf("%s %s %s", at.Domain, at.Name, envelope))
		return v.refuses
	}
	v.to(lime.StateEstablished)
	return v
}

// seat is a Seat that writes down what it is told.
type seat struct{ active, left int }

func (s *seat) Activate() { s.active++ }
func (s *seat) Leave()    { s.left++ }

// seated answers the room that is being entered.
func (v *visitor) seated(text string, err error) *seat {
	v.t.Helper()
	if len(v.entering) == 0 || string(v.entering[0].Name) != text || v.entering[0].Domain != "example.org" {
		v.t.Fatalf("%v are being entered, and not %s", v.entering, text)
	}
	v.entering = v.entering[1:]
	if err != nil {
		v.session.entered(room.Name(text), nil, err)
		return nil
	}
	s := &seat{}
	v.session.entered(room.Name(text), s, nil)
	return s
}

func (v *visitor) in(path string) *seat {
	v.t.Helper()
	v.says(`{"id":"in","method":"subscribe","uri":"/rooms` + path + `"}`)
	s := v.seated(path, nil)
	v.hears("it is in", `{"id":"in","method":"subscribe","status":"success"}`)
	return s
}

func TestRoomsAreEnteredAndLeft(t *testing.T) {
	v := newVisitor(t)
	v.says(`{"id":"1","method":"subscribe","uri":"/rooms/ride/42"}`)
	v.hearsNothing("before it is entered")
	s := v.seated("/ride/42", nil)
	v.hears("it is in", `{"id":"1","method":"subscribe","status":"success","type":"application/vnd.limegrove.room+json",
		"resource":{"room":"/ride/42","address":"%2fride%2f42@rooms.example.org"}}`)
	if *s != (seat{active: 1}) {
		t.Errorf("the seat is %+v", *s)
	}
	v.says(`{"id":"2","method":"subscribe","uri":"/ROOMS/ride/42"}`)
	v.hears("again, it is in", `{"id":"2","status":"success","resource":{"room":"/ride/42"}}`)
	v.says(`{"id":"3","method":"subscribe","uri":"/rooms","type":"application/vnd.limegrove.room+json","resource":{"room":{"target":5}}}`)
	v.seated("?target=5", nil)
	v.hears("pairs", `{"id":"3","status":"success","resource":{"room":{"target":5},"address":"%3ftarget=5@rooms.example.org"}}`)

	v.says(`{"id":"4","method":"get","uri":"/rooms"}`)
	v.hears("all that it is in", `{"id":"4","status":"success","type":"application/vnd.lime.collection+json",
		"resource":{"total":2,"itemType":"application/vnd.limegrove.room+json","items":[
			{"room":"/ride/42","address":"%2fride%2f42@rooms.example.org"},
			{"room":{"target":5},"address":"%3ftarget=5@rooms.example.org"}]}}`)

	v.says(`{"id":"5","method":"unsubscribe","uri":"/rooms/ride/42"}`)
	v.hears("it has left", `{"id":"5","method":"unsubscribe","status":"success"}`)
	if *s != (seat{active: 1, left: 1}) {
		t.Errorf("the seat is %+v", *s)
	}
	v.says(`{"id":"c","method":"unsubscribe","uri":"/rooms/ride/42"}`)
	v.refusesCommand("once", "unsubscribe", 67)
	v.handsOnNothing("rooms are the edge's")
}

func TestWhatIsAskedWhileARoomIsEnteredWaitsItsTurn(t *testing.T) {
	v := newVisitor(t)
	v.says(`{"id":"1","method":"subscribe","uri":"/rooms/ride/1"}`)
	v.says(`{"id":"2","method":"unsubscribe","uri":"/rooms/ride/1"}`)
	v.says(`{"id":"3","method":"subscribe","uri":"/rooms/ride/1"}`)
	v.says(`{"id":"c","method":"subscribe","uri":"/rooms/ride/1"}`)
	v.refusesCommand("there is an end to it", "subscribe", 34)
	first := v.seated("/ride/1", nil)
	v.hears("one after the other", `{"id":"1","method":"subscribe","status":"success"}`)
	v.hears("one after the other", `{"id":"2","method":"unsubscribe","status":"success"}`)
	v.hearsNothing("it is being entered again")
	second := v.seated("/ride/1", nil)
	v.hears("one after the other", `{"id":"3","method":"subscribe","status":"success"}`)
	if first.left != 1 || *second != (seat{active: 1}) {
		t.Errorf("the seats are %+v and %+v", *first, *second)
	}
}

func TestRoomsThatAreNotEntered(t *testing.T) {
	v := newVisitor(t)
	for why, row := range map[string]struct {
		method, uri, rest string
		code              lime.Code
	}{
		"no rule lets it":   {"subscribe", "/rooms/secret", ``, 66},
		"a wildcard of its": {"subscribe", "/rooms/*/42", ``, 66},
		"no room":           {"subscribe", "/rooms", `,"type":"application/json","resource":{"room":5}`, 64},
		"no object":         {"subscribe", "/rooms", `,"type":"application/json","resource":[]`, 64},
		"no resource":       {"unsubscribe", "/rooms", ``, 64},
		"another method":    {"delete", "/rooms/ride/1", ``, 63},
		"no get of one":     {"get", "/rooms/ride/1", ``, 63},
		"not in it":         {"unsubscribe", "/rooms/ride/1", ``, 67},
	} {
		v.says(`{"id":"c","method":"` + row.method + `","uri":"` + row.uri + `"` + row.rest + `}`)
		v.refusesCommand(why, row.method, row.code)
	}
	v.says(`{"id":"c","method":"subscribe","uri":"/rooms/ride/1"}`)
	v.seated("/ride/1", errors.New("the broker is away"))
	v.refusesCommand("ours is not told", "subscribe", 61)
	v.says(`{"id":"c","method":"subscribe","uri":"/rooms/ride/1"}`)
	v.seated("/ride/1", lime.NewReason(lime.CodeAuthorizationQuotaThresholdExceeded, "Full"))
	v.refusesCommand("a reason is", "subscribe", 34)

	v.in("/ride/1")
	v.in("/ride/2")
	v.says(`{"id":"1","method":"subscribe","uri":"/rooms/ride/3"}`)
	v.says(`{"id":"c","method":"subscribe","uri":"/rooms/ride/4"}`)
	v.refusesCommand("as many as it may", "subscribe", 34)
	if len(v.entering) != 1 {
		t.Errorf("%v are being entered", v.entering)
	}
}

func TestASessionThatEndsLeavesItsRooms(t *testing.T) {
	v := newVisitor(t)
	s := v.in("/ride/1")
	v.says(`{"id":"1","method":"subscribe","uri":"/rooms/ride/2"}`)
	v.session.finish()
	if s.left != 1 {
		t.Errorf("the seat is %+v", *s)
	}
	if late := v.seated("/ride/2", nil); late.left != 1 || late.active != 0 {
		t.Errorf("a seat that comes late is %+v", *late)
	}
}

// publishes takes the next envelope that went to a room.
func (v *visitor) publishes(why, where, pattern string) {
	v.t.Helper()
	if len(v.published) != 1 {
		v.t.Fatalf("%s: %q are published", why, v.published)
	}
	got := v.published[0]
	v.published = nil
	if len(got) < len(where) || got[:len(where)] != where {
		v.t.Errorf("%s: %s is published, and not to %s", why, got, where)
		return
	}
	if err := match([]byte(got[len(where):]), pattern); err != nil {
		v.t.Errorf("%s: %v, in %s", why, err, got)
	}
}

func TestMessagesArePublishedToRooms(t *testing.T) {
	v := newVisitor(t)
	v.session.rules.rooms.may = append(v.session.rules.rooms.may, room.Rule{Room: "/A", Who: room.Members, May: room.Publish})
	v.says(`{"to":"%2Fride%2F42@rooms.example.org","type":"text/plain","content":"x"}`)
	v.publishes("from the room, in the sender's name", "example.org /ride/42 ",
		`{"from":"%2fride%2f42@rooms.example.org/Ana%40example.org","to":"%2fride%2f42@rooms.example.org","type":"text/plain","content":"x"}`)
	v.hearsNothing("without an id nothing is told")
	v.says(`{"id":"1","from":"ana@example.org","pp":"ana@example.org/home","to":"%2f%41@ROOMS.Example.net","type":"text/plain","content":"x"}`)
	v.publishes("of another domain that is served", "Example.net /A ",
		`{"id":"1","from":"%2f%41@rooms.Example.net/Ana%40example.org","to":"%2f%41@rooms.Example.net","pp":null,"content":"x"}`)
	v.hears("it is on its way", `{"id":"1","event":"accepted"}`)
	v.says(`{"to":"%2fride%2f*@rooms.example.org","type":"text/plain","content":"x"}`)
	v.publishes("to all that a wildcard means", "example.org /ride/* ", `{"to":"%2fride%2f*@rooms.example.org"}`)

	for to, code := range map[string]lime.Code{
		"%2fheard@rooms.example.org": 32, "%2fsecret@rooms.example.org": 32, "%2f*%2f42@rooms.example.org": 32,
		"ride@rooms.example.org": 42, "%zz@rooms.example.org": 42,
		"%2fride%2f42@rooms.elsewhere.org": 43,
	} {
		v.says(`{"id":"m","to":"` + to + `","type":"text/plain","content":"x"}`)
		v.hears(to, fmt.Sprintf(`{"id":"m","event":"failed","reason":{"code":%d}}`, code))
	}
	v.says(`{"id":"c","to":"%2fride%2f42@rooms.example.org","method":"get","uri":"/ping"}`)
	v.refusesCommand("it has no commands", "get", 62)
	v.says(`{"id":"m","to":"%2fride%2f42@rooms.example.org","event":"received"}`)
	v.hearsNothing("a receipt is for nobody")
	v.refuses = lime.NewReason(lime.CodeDispatchError, "The broker is away")
	v.says(`{"id":"m","to":"%2fride%2f42@rooms.example.org","type":"text/plain","content":"x"}`)
	v.hears("what cannot be published", `{"id":"m","event":"failed","reason":{"code":51}}`)
}

func TestAnAnswerToWhatWasPublishedGoesToItsSender(t *testing.T) {
	v := newVisitor(t)
	v.says(`{"id":"m","to":"%2fride%2f42@rooms.example.org/rui%40example.org","type":"text/plain","content":"x"}`)
	v.routes("to that one alone", "rui@example.org", `{"id":"m","from":"Ana@example.org/Home","to":"rui@example.org","content":"x"}`)
	v.says(`{"id":"m","to":"%2fride%2f42@rooms.example.org/rui","type":"text/plain","content":"x"}`)
	v.hears("an instance that is nobody's", `{"id":"m","event":"failed","reason":{"code":42}}`)
}

func TestWithoutRoomsThereAreNone(t *testing.T) {
	d := established(t)
	d.says(`{"id":"c","method":"subscribe","uri":"/rooms/x"}`)
	d.commands("routers know of none", `{"uri":"/rooms/x"}`)
	d.says(`{"id":"m","to":"%2fride@rooms.example.org","type":"text/plain","content":"x"}`)
	d.hears("nor is there an address", `{"id":"m","event":"failed","reason":{"code":43}}`)
}
