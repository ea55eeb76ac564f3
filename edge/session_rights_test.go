package edge

import (
	"encoding/json"
	"testing"
	"time"

	"limegrove/edge/auth"
	"limegrove/lime"
	"limegrove/room"
)

// rulesOf reads rules as a login or a grant has them.
func rulesOf(t testing.TB, text string) room.Rules {
	t.Helper()
	rules, err := room.ParseGranted([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// grantedRooms has routing tell what ana was granted: to enter and publish to some paths.
func (v *visitor) grantedRooms(revision uint64, paths ...string) {
	v.t.Helper()
	rules := []map[string]any{}
	for _, p := range paths {
		rules = append(rules, map[string]any{"room": p, "may": []string{"enter", "publish"}})
	}
	text, err := json.Marshal(rules)
	if err != nil {
		v.t.Fatal(err)
	}
	v.session.granted(room.Grants{Revision: revision, Rules: rulesOf(v.t, string(text))})
}

func (v *visitor) wantEnter(why, path string, may bool) {
	v.t.Helper()
	v.says(`{"id":"c","method":"subscribe","uri":"/rooms` + path + `"}`)
	if !may {
		v.refusesCommand(why, "subscribe", lime.CodeCommandNotAllowed)
		return
	}
	v.seated(path, nil)
	v.hears(why, `{"id":"c","method":"subscribe","status":"success"}`)
}

const putOut = `{"from":"` + server + `","to":"` + anaNode + `","method":"observe","uri":"/rooms","type":"application/vnd.limegrove.room+json",
	"resource":{"room":"/secret/1","address":"%2fsecret%2f1@rooms.example.org","ended":true}}`

func TestWhatIsGrantedHoldsAtOnceAndUntilItIsTakenBack(t *testing.T) {
	v := newVisitor(t)
	v.wantEnter("before", "/secret/1", false)
	v.grantedRooms(5, "/secret/1")
	v.says(`{"id":"in","method":"subscribe","uri":"/rooms/secret/1"}`)
	s := v.seated("/secret/1", nil)
	v.hears("it is granted", `{"id":"in","method":"subscribe","status":"success"}`)
	other := v.in("/ride/1") // by the edge's own rules
	v.wantEnter("no more than that", "/secret/2", false)
	v.wantEnter("nor all that a wildcard means", "/secret/*", false)
	v.says(`{"to":"%2fsecret%2f1@rooms.example.org","type":"text/plain","content":"x"}`)
	v.publishes("it may publish", "example.org /secret/1 ", `{"content":"x"}`)

	v.grantedRooms(4)
	v.grantedRooms(5)
	v.hearsNothing("what is older changes nothing")
	v.grantedRooms(8, "/secret/2")
	v.hears("it is put out, and told", putOut)
	v.hearsNothing("once, and of nothing else")
	if s.left != 1 || other.left != 0 {
		t.Errorf("the seats are %+v and %+v", *s, *other)
	}
	v.says(`{"id":"m","to":"%2fsecret%2f1@rooms.example.org","type":"text/plain","content":"x"}`)
	v.hears("nor may it publish", `{"id":"m","event":"failed","reason":{"code":32}}`)
	v.says(`{"id":"c","method":"unsubscribe","uri":"/rooms/secret/1"}`)
	v.refusesCommand("it is not in it", "unsubscribe", 67)
	v.wantEnter("nor again", "/secret/1", false)
	v.wantEnter("but what is granted now", "/secret/2", true)
	v.grantedRooms(7, "/secret/1")
	v.wantEnter("what is older comes late", "/secret/1", false)
}

func TestRightsThatEndWhileARoomIsEntered(t *testing.T) {
	v := newVisitor(t)
	v.grantedRooms(5, "/secret/1")
	v.says(`{"id":"1","method":"subscribe","uri":"/rooms/secret/1"}`)
	v.says(`{"id":"2","method":"subscribe","uri":"/rooms/secret/1"}`)
	v.grantedRooms(6)
	v.hearsNothing("it is not in it yet")
	if s := v.seated("/secret/1", nil); s.left != 1 || s.active != 0 {
		t.Errorf("the seat is %+v", *s)
	}
	v.hears("it might when it asked", `{"id":"1","method":"subscribe","status":"failure","reason":{"code":66}}`)
	v.hears("and who waits behind it", `{"id":"2","method":"subscribe","status":"failure","reason":{"code":66}}`)

	v.grantedRooms(7, "/secret/1")
	v.in("/secret/1")
	v.says(`{"id":"c","method":"subscribe","uri":"/rooms/secret/1","type":"application/vnd.limegrove.room+json","resource":{"presence":true}}`)
	v.grantedRooms(8)
	v.hears("it is put out while it is told who is there", putOut)
	v.session.attends("/secret/1", nil)
	v.refusesCommand("which it is not", "subscribe", 66)
	v.wantEnter("nor again", "/secret/1", false)
}

func TestALoginBringsRightsAndARenewedOneReplacesThem(t *testing.T) {
	v := &visitor{dialogue: newDialogue(t)}
	v.session.rules.rooms.on, v.session.rules.rooms.most = true, 5
	v.to(lime.StateAuthenticating)
	grant := func(own string, granted room.Grants) auth.Grant {
		g := anaGrant
		g.Expires, g.Rooms, g.Granted = v.now.Add(time.Hour), rulesOf(t, own), granted
		return g
	}
	kept := room.Grants{Revision: 5, Rules: rulesOf(t, `[{"room":"/kept","may":["enter"]}]`)}
	v.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"plain","authentication":{"password":"czNjcmV0"}}`)
	v.grant(grant(`[{"room":"/secret/{name}","may":["enter"]},{"room":"/secret/1","may":["enter"]}]`, kept))
	v.grantedRooms(4)
	v.dialogue.place()
	v.sent = nil
	v.wantEnter("by its name", "/secret/ana", true)
	v.wantEnter("by the login", "/secret/1", true)
	v.wantEnter("by what is kept, of which it was told something older", "/kept", true)

	renew := func(g auth.Grant) {
		v.says(`{"id":"r","method":"set","uri":"/authentication","type":"application/json","resource":{"scheme":"plain","authentication":{"password":"x"}}}`)
		v.grant(g)
		v.hears("it is renewed", `{"id":"r","method":"set","status":"success"}`)
	}
	renew(grant(`[{"room":"/secret/ana","may":["enter"]}]`, room.Grants{}))
	v.hears("what it does not let any more", putOut)
	v.hearsNothing("what is kept holds, whatever an old replica says")
	renew(grant(`[{"room":"/kept","may":["enter"]}]`, room.Grants{Revision: 6, Rules: rulesOf(t, `[{"room":"/secret/ana","may":["enter"]}]`)}))
	v.hearsNothing("the one lets what the other did")
	if n := len(v.session.has().visits.seats); n != 2 {
		t.Errorf("it is in %d rooms", n)
	}
	v.session.granted(room.Grants{Revision: 9})
	v.hears("the granted one", `{"method":"observe","resource":{"room":"/secret/ana","ended":true}}`)
	v.session.finish()
	v.grantedRooms(10)
}
