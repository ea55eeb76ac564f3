package edge

import (
	"context"
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
	place room.Place // of the next seats
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
	v.to(lime.StateEstablished)
	return v
}

// seat is a Seat that writes down what it is told.
type seat struct {
	active, left, drained int
	place                 room.Place
}

func (s *seat) Place() room.Place            { return s.place }
func (s *seat) Drained()                     { s.drained++ }
func (s *seat) Activate()                    { s.active++ }
func (s *seat) Attend(context.Context) error { return nil }
func (s *seat) Leave()                       { s.left++ }

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
	s := &seat{place: v.place}
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
		"nor look into it":  {"get", "/rooms/secret", ``, 66},
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

func TestWhoIsInARoomIsTold(t *testing.T) {
	v := newVisitor(t)
	v.says(`{"id":"1","method":"subscribe","uri":"/rooms/ride/1","type":"application/vnd.limegrove.room+json","resource":{"presence":true}}`)
	if e := v.entering[0]; !e.Attend || e.Node != v.session.who.Node() || e.Session != v.session.who.Tag() || e.Literal {
		t.Errorf("%+v is being entered", e)
	}
	v.seated("/ride/1", nil)
	v.hears("it is in, and told", `{"id":"1","method":"subscribe","status":"success"}`)

	v.in("/ride/2")
	v.says(`{"id":"2","method":"subscribe","uri":"/rooms","type":"application/vnd.limegrove.room+json","resource":{"room":"/ride/2","presence":true}}`)
	v.says(`{"id":"3","method":"unsubscribe","uri":"/rooms/ride/2"}`)
	v.hearsNothing("before it is told")
	if len(v.attending) != 1 || v.attending[0] != "/ride/2" {
		t.Errorf("it is told of %v", v.attending)
	}
	v.session.attends("/ride/2", nil)
	v.hears("who wants to be told later", `{"id":"2","method":"subscribe","status":"success"}`)
	v.hears("what came meanwhile", `{"id":"3","method":"unsubscribe","status":"success"}`)
	v.in("/ride/2")
	v.says(`{"id":"c","method":"subscribe","uri":"/rooms/ride/2","type":"application/vnd.limegrove.room+json","resource":{"presence":true}}`)
	v.session.attends("/ride/2", errors.New("the broker is away"))
	v.refusesCommand("ours is not told", "subscribe", 61)

	v.says(`{"id":"4","method":"get","uri":"/rooms/ride/9"}`)
	v.session.occupants("/ride/9", v.asking[0], 3, []lime.Identity{lime.MustParseIdentity("rui@example.org")}, nil)
	v.hears("who is in a room", `{"id":"4","method":"get","status":"success","type":"application/vnd.limegrove.room+json",
		"resource":{"room":"/ride/9","address":"%2fride%2f9@rooms.example.org","count":3,"occupants":["rui@example.org"]}}`)
	v.says(`{"id":"c","method":"get","uri":"/rooms/ride/9"}`)
	v.session.occupants("/ride/9", v.asking[1], 0, nil, errors.New("the registry is away"))
	v.refusesCommand("ours is not told", "get", 61)
}

func TestQuestionsAboutRoomsHaveAnEnd(t *testing.T) {
	v := newVisitor(t)
	for range maxAsking {
		v.says(`{"id":"1","method":"get","uri":"/rooms/ride/9"}`)
	}
	v.hearsNothing("before they are answered")
	v.says(`{"id":"c","method":"get","uri":"/rooms/ride/9"}`)
	v.refusesCommand("there is an end to it", "get", 34)
	v.session.occupants("/ride/9", v.asking[0], 0, nil, nil)
	v.hears("it is answered", `{"id":"1","status":"success"}`)
	v.says(`{"id":"c","method":"get","uri":"/rooms/ride/9"}`)
	v.hearsNothing("there is room again")
	if len(v.asking) != maxAsking+1 {
		t.Errorf("%d are asked", len(v.asking))
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

	v.says(`{"id":"m","to":"%2fride%2f*@rooms.example.org","type":"text/plain","content":"x","metadata":{"\u0023room.position":"9"}}`)
	v.hears("a position of its own", `{"id":"m","event":"failed","reason":{"code":21}}`)

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
	v.publishing = func(string) (bool, error) { return false, lime.NewReason(lime.CodeDispatchError, "The broker is away") }
	v.says(`{"id":"m","to":"%2fride%2f42@rooms.example.org","type":"text/plain","content":"x"}`)
	v.hears("what cannot be published", `{"id":"m","event":"failed","reason":{"code":51}}`)
}

func TestRoomsThatKeepTheirMessages(t *testing.T) {
	v := newVisitor(t)
	v.place = room.Place{Kept: true, Position: 12}
	v.says(`{"id":"1","method":"subscribe","uri":"/rooms/ride/1"}`)
	s := v.seated("/ride/1", nil)
	v.hears("where it begins", `{"id":"1","status":"success","resource":{"room":"/ride/1","address":"%2fride%2f1@rooms.example.org","position":"12"}}`)
	v.session.drained()
	if s.drained != 1 {
		t.Errorf("the seat is %+v", *s)
	}
	v.place.Continuous = true
	v.says(`{"id":"2","method":"subscribe","uri":"/rooms","type":"application/vnd.limegrove.room+json","resource":{"room":"/ride/2","since":"9"}}`)
	if e := v.entering[0]; e.Since == nil || *e.Since != 9 {
		t.Errorf("%+v is being entered", e)
	}
	v.seated("/ride/2", nil)
	v.hears("and what is missing", `{"id":"2","status":"success","resource":{"room":"/ride/2","address":"%2fride%2f2@rooms.example.org","position":"12","continuous":true}}`)
	const again = `{"id":"3","method":"subscribe","uri":"/rooms","type":"application/vnd.limegrove.room+json","resource":{"room":"/ride/2","since":"5"`
	v.says(again + `}}`)
	v.hears("it is in, and gets nothing of before", `{"id":"3","status":"success","resource":{"room":"/ride/2","address":"%2fride%2f2@rooms.example.org","continuous":false}}`)
	v.says(again + `,"presence":true}}`)
	v.session.attends("/ride/2", nil)
	v.hears("nor when it is told who is there", `{"id":"3","status":"success","resource":{"room":"/ride/2","address":"%2fride%2f2@rooms.example.org","continuous":false}}`)
	v.says(`{"id":"4","method":"unsubscribe","uri":"/rooms/ride/2"}`)
	v.hears("it has left", `{"id":"4","status":"success"}`)
	v.place = room.Place{}
	v.says(again + `}}`)
	v.seated("/ride/2", nil)
	v.hears("a room that keeps nothing", `{"id":"3","status":"success","resource":{"room":"/ride/2","address":"%2fride%2f2@rooms.example.org","continuous":false}}`)
	for _, since := range []string{`9`, `"x"`, `"-1"`, `""`} {
		v.says(`{"id":"c","method":"subscribe","uri":"/rooms","type":"application/vnd.limegrove.room+json","resource":{"room":"/ride/3","since":` + since + `}}`)
		v.refusesCommand("no position", "subscribe", 64)
	}

	v.publishing = func(string) (bool, error) { return true, nil }
	for range maxStoring {
		v.says(`{"id":"m","to":"%2fride%2f1@rooms.example.org","type":"text/plain","content":"x"}`)
	}
	v.hearsNothing("before they are kept")
	v.says(`{"id":"n","to":"%2fride%2f1@rooms.example.org","type":"text/plain","content":"x"}`)
	v.hears("there is an end to it", `{"id":"n","event":"failed","reason":{"code":34}}`)
	v.session.published("m", nil, nil)
	v.hears("it is kept", `{"id":"m","event":"accepted"}`)
	v.session.published("m", nil, lime.NewReason(lime.CodeDispatchError, "Late"))
	v.hears("it may not be", `{"id":"m","event":"failed","reason":{"code":51}}`)
	v.session.published("m", nil, errors.New("ours"))
	v.hears("ours is not told", `{"id":"m","event":"failed","reason":{"code":51}}`)
}

func TestEnteringARoomForgetsNothingThatIsToBeKept(t *testing.T) {
	v := newVisitor(t)
	v.publishing = func(string) (bool, error) { return true, nil }
	for range maxStoring {
		v.says(`{"id":"m","to":"%2fride%2f1@rooms.example.org","type":"text/plain","content":"x"}`)
	}
	v.in("/ride/2")
	v.says(`{"id":"n","to":"%2fride%2f1@rooms.example.org","type":"text/plain","content":"x"}`)
	v.hears("there is an end to it", `{"id":"n","event":"failed","reason":{"code":34}}`)
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
