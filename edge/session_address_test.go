package edge

import (
	"strings"
	"testing"

	"limegrove/lime"
)

func TestSenderMatrix(t *testing.T) { // L-MSG-01 to L-MSG-04, L-ADR-05, L-ADR-06
	const own, identity = anaNode, "Ana@example.org"
	const unauthorized, noNode = 32, 26
	for _, row := range []struct {
		from, pp       string // as the client writes them; "" is absent
		code           lime.Code
		stamped, andPP string // as the recipient sees them; "" is absent
	}{
		{"", "", 0, own, ""},
		// The own node and identity, in whatever case, and without the own domain.
		{own, "", 0, own, ""},
		{"aNA@EXAMPLE.org/hOME", "", 0, own, ""},
		{"Ana/Home", "", 0, own, ""},
		{identity, "", 0, own, ""},
		{"ANA@example.ORG", "", 0, own, ""},
		{"ana", "", 0, own, ""},
		{"Ana@example.org/", "", 0, own, ""}, // L-ADR-07
		// C# fills pp in, even for the own identity: no delegation is needed.
		{"", own, 0, own, own},
		{"", "ana@example.org/HOME", 0, own, own},
		{own, own, 0, own, own},
		{"ANA@example.org/home", "ANA@example.org/home", 0, own, own},
		{identity, own, 0, identity, own},
		{"ANA@example.org", "ana/home", 0, identity, own},
		{"ana", "ana/home", 0, identity, own},
		// Anybody else.
		{"Ana@example.org/Phone", "", unauthorized, "", ""},
		{"Ana@example.org/Phone", own, unauthorized, "", ""},
		{"Ana@example.net/Home", "", unauthorized, "", ""},
		{"Ana@example.org.evil/Home", "", unauthorized, "", ""},
		{"rui@example.org/Home", "", unauthorized, "", ""},
		{"rui@example.org", "", unauthorized, "", ""},
		{"rui", "", unauthorized, "", ""},
		{"rui@example.org", own, unauthorized, "", ""}, // without a delegation
		{"rui@example.org/Home", own, unauthorized, "", ""},
		{"@example.org", "", unauthorized, "", ""},
		{"@example.org", own, unauthorized, "", ""},
		{server, "", unauthorized, "", ""},
		{"postmaster@example.org", own, unauthorized, "", ""},
		// A pp that is not the own node.
		{"", identity, unauthorized, "", ""},
		{"", "Ana@example.org/Phone", unauthorized, "", ""},
		{"", "rui@example.org/1", unauthorized, "", ""},
		{own, "rui@example.org/1", unauthorized, "", ""},
		{"rui@example.org", "rui@example.org/1", unauthorized, "", ""},
		{identity, "@example.org/Home", unauthorized, "", ""},
		// What is no node.
		{"a&b@example.org", "", noNode, "", ""},
		{"@", "", noNode, "", ""},
		{own, "a&b@example.org", noNode, "", ""},
		{strings.Repeat("a", 1024), "", noNode, "", ""},
	} {
		t.Run(row.from+" pp "+row.pp, func(t *testing.T) {
			members := ""
			if row.from != "" {
				members += `"from":"` + row.from + `",`
			}
			if row.pp != "" {
				members += `"pp":"` + row.pp + `",`
			}
			d := established(t)
			d.says(`{` + members + `"id":"m","to":"rui@example.org/x","type":"text/plain","content":"x"}`)
			if row.code != 0 {
				d.refusesMessage("a sender that it is not", row.code)
				return
			}
			d.hearsNothing("it is fine")
			pp := "null"
			if row.andPP != "" {
				pp = `"` + row.andPP + `"`
			}
			d.routes("stamped", "rui@example.org/x", `{"from":"`+row.stamped+`","pp":`+pp+`,"content":"x"}`)
		})
	}
}

// refusesMessage takes the notification about message m, after which the session
// goes on as if nothing had been.
func (d *dialogue) refusesMessage(sentence string, code lime.Code) {
	d.t.Helper()
	d.hears(sentence, `{"id":"m","from":"`+server+`","to":"`+anaNode+`","event":"failed","reason":{"code":`+itoa(code)+`,"description":"*"}}`)
	d.refused(sentence)
}

// refusesCommand is the same for command c.
func (d *dialogue) refusesCommand(sentence string, method string, code lime.Code) {
	d.t.Helper()
	d.hears(sentence, `{"id":"c","from":"`+server+`","to":"`+anaNode+`","method":"`+method+`","status":"failure","reason":{"code":`+itoa(code)+`}}`)
	d.refused(sentence)
}

func (d *dialogue) refused(sentence string) {
	d.t.Helper()
	d.hearsNothing(sentence)
	d.handsOnNothing(sentence)
	if d.session.state != lime.StateEstablished {
		d.t.Errorf("%s: the session is %v", sentence, d.session.state)
	}
}

func TestSenderIsCheckedInEveryKind(t *testing.T) {
	d := established(t)
	d.says(`{"id":"c","from":"rui@example.org/1","to":"lia@example.org/1","method":"get","uri":"/x"}`)
	d.refusesCommand("a command", "get", 32)
	d.says(`{"id":"c","from":"rui@example.org/1","to":"lia@example.org/1","method":"get","status":"success"}`)
	d.refused("a response: nothing answers it")
	d.says(`{"id":"n","from":"rui@example.org/1","to":"lia@example.org/1","event":"received"}`)
	d.refused("a notification: nothing answers it")
	d.says(`{"from":"rui@example.org/1","to":"lia@example.org/1","type":"text/plain","content":"x"}`)
	d.refused("L-MSG-09: a message without an id")
	d.wantDropped("each is counted", dropRefused, 4)
}

// The name of an escaped or unfolded spelling must not pass as another's.
func TestSenderCannotHideInEscapes(t *testing.T) {
	d := established(t)
	d.says(`{"id":"m","\u0066rom":"rui@example.org/1","to":"lia@example.org/1","type":"text/plain","content":"x"}`)
	d.refusesMessage("an escaped member's name", 32)
	d.says(`{"id":"m","from":"\u0041na@example.org/Home","to":"lia@example.org/1","type":"text/plain","content":"x"}`)
	d.routes("an escaped letter is that letter", "lia@example.org/1", `{"from":"`+anaNode+`"}`)
}

// An authority speaks for whoever is in its domain, and for nobody else: design, promise P5.
func TestAuthoritiesSpeakForTheirDomain(t *testing.T) {
	for _, row := range []struct {
		role lime.Role
		from string
		may  bool
	}{
		{lime.RoleMember, "rui@example.org/1", false},
		{"", "rui@example.org/1", false},
		{lime.RoleAuthority, "rui@example.org/1", true},
		{lime.RoleAuthority, "rui@EXAMPLE.org", true},
		{lime.RoleAuthority, "rui@sub.example.org/1", false},
		{lime.RoleAuthority, "rui@example.net/1", false},
		{lime.RoleAuthority, "postmaster@example.org", false},
		{lime.RoleAuthority, "@example.org", false},
		{lime.RoleRootAuthority, "rui@example.org/1", true},
		{lime.RoleRootAuthority, "rui@a.sub.example.org/1", true},
		{lime.RoleRootAuthority, "rui@badexample.org/1", false},
		{lime.RoleRootAuthority, "rui@org/1", false},
		{lime.RoleRootAuthority, "postmaster@sub.example.org", false},
	} {
		for _, pp := range []string{"", `,"pp":"` + anaNode + `"`} {
			t.Run(string(row.role)+" "+row.from+pp, func(t *testing.T) {
				d := established(t)
				d.session.rank = row.role.Rank()
				d.says(`{"id":"m","from":"` + row.from + `"` + pp + `,"to":"lia@example.org/1","type":"text/plain","content":"x"}`)
				if !row.may {
					d.refusesMessage("not in its domain", 32)
					return
				}
				d.routes("from stays", "lia@example.org/1", `{"from":"`+row.from+`"`+pp+`,"content":"x"}`)
			})
		}
	}
	d := established(t)
	d.session.rank = lime.RoleAuthority.Rank()
	d.says(`{"id":"m","from":"rui@example.org/1","pp":"lia@example.org/1","to":"lia@example.org/1","type":"text/plain","content":"x"}`)
	d.refusesMessage("as pp nobody is anybody else", 32)
}

func TestForeignDomainsAreRoutings(t *testing.T) { // L-MSG-10
	d := established(t)
	d.member.gateway = "example.com"
	d.says(`{"id":"m","to":"rui@Example.com/1","type":"text/plain","content":"x"}`)
	d.routes("there is a gateway", "rui@Example.com/1", `{"from":"`+anaNode+`","content":"x"}`)
	d.says(`{"id":"m","to":"postmaster@example.com","type":"text/plain","content":"x"}`)
	d.routes("its server is not ours", "postmaster@example.com", `{"from":"`+anaNode+`","content":"x"}`)
	d.says(`{"id":"m","to":"@example.com","type":"text/plain","content":"x"}`)
	d.refusesMessage("it has no name here", 43)
}

func TestDestinations(t *testing.T) {
	for _, row := range []struct {
		to, routed, shown string // shown is the to that the recipient sees
		code              lime.Code
	}{
		{"rui@example.org/desk", "rui@example.org/desk", "rui@example.org/desk", 0},
		{"RUI@Example.ORG/Desk", "RUI@Example.ORG/Desk", "RUI@Example.ORG/Desk", 0},
		{"rui@example.org", "rui@example.org", "rui@example.org", 0},
		{"rui@EXAMPLE.net/1", "rui@EXAMPLE.net/1", "rui@EXAMPLE.net/1", 0},
		{"rui", "rui@example.org", "rui@example.org", 0},                // L-ADR-03
		{"rui/desk", "rui@example.org/desk", "rui@example.org/desk", 0}, // L-ADR-03
		{"rui@example.org/", "rui@example.org", "rui@example.org/", 0},  // L-ADR-07
		{"rui@example.org/a/b@c #d", "rui@example.org/a/b@c #d", "rui@example.org/a/b@c #d", 0},
		{"joão%40gw@example.org", "joão%40gw@example.org", "joão%40gw@example.org", 0}, // L-ADR-08
		{anaNode, anaNode, anaNode, 0},
		{"rui@example.com", "", "", 43}, // L-MSG-10
		{"contacts@sub.example.org", "", "", 43},
		{"a&b@example.org", "", "", 26}, // L-ADR-02
		{"rui@", "", "", 26},
		{strings.Repeat("a", 1024), "", "", 26},
	} {
		t.Run(row.to, func(t *testing.T) {
			d := established(t)
			d.says(`{"id":"m","to":"` + row.to + `","type":"text/plain","content":"x"}`)
			if row.code != 0 {
				d.refusesMessage("a to that leads nowhere", row.code)
				return
			}
			d.hearsNothing("it is fine")
			d.routes("to where it is addressed", row.routed, `{"to":"`+row.shown+`","from":"`+anaNode+`"}`)
		})
	}
}

func TestServerHasManyNames(t *testing.T) { // L-ADR-04, L-CMD-05
	for _, to := range []string{
		``, `"to":null,`, `"to":"",`, `"to":"` + server + `",`, `"to":"postmaster@example.org",`, `"to":"POSTmaster@Example.Net/#other",`,
		`"to":"@example.org",`, `"to":"@example.org/x",`, `"to":"postmaster",`,
	} {
		d := established(t)
		d.says(`{"id":"c",` + to + `"method":"get","uri":"/ping"}`)
		d.hears("the edge answers for "+to, `{"id":"c","from":"`+server+`","to":"`+anaNode+`","method":"get","status":"success","type":"application/vnd.lime.ping+json","resource":{},"uri":null}`)
		d.refused("and nobody else")
	}
}

func TestBackendsHearWhatBecomesOfWhatTheyHaveSent(t *testing.T) {
	const node = "postmaster@example.org/~run-1"
	for _, passes := range []string{
		`{"id":"m","to":"` + node + `","event":"received"}`,
		`{"id":"c","to":"POSTmaster@Example.org/~run-1","method":"get","status":"failure","reason":{"code":1}}`,
	} {
		d := established(t)
		d.says(passes)
		d.hearsNothing("it is for somebody else")
		to := node
		if strings.Contains(passes, "POST") {
			to = "POSTmaster@Example.org/~run-1"
		}
		d.routes("it goes there", to, `{"from":"`+anaNode+`"}`)
	}
	for _, stays := range []string{
		`{"id":"m","to":"` + node + `","type":"text/plain","content":"x"}`,
		`{"id":"c","to":"` + node + `","method":"get","uri":"/ping"}`,
		`{"id":"m","to":"postmaster@example.org/#run-1","event":"received"}`,
		`{"id":"m","to":"postmaster@example.org","event":"received"}`,
	} {
		d := established(t)
		d.says(stays)
		d.handsOnNothing("it is the server's: " + stays)
	}
}

func TestGuestMayRegisterAnAccount(t *testing.T) {
	const wanted = `"from":"bia@example.org","pp":"` + anaNode + `",`
	const set = `"method":"set","type":"application/vnd.lime.account+json","resource":{"password":"czNjcmV0"}}`
	for _, row := range []struct {
		name, command string
		guest, passes bool
	}{
		{"a guest", `{"id":"c",` + wanted + `"uri":"/account",` + set, true, true},
		{"to the server by name", `{"id":"c",` + wanted + `"to":"postmaster@example.org","uri":"/account",` + set, true, true},
		{"who has an account", `{"id":"c",` + wanted + `"uri":"/account",` + set, false, false},
		{"without pp", `{"id":"c","from":"bia@example.org","uri":"/account",` + set, true, false},
		{"with the wanted node as pp", `{"id":"c","from":"bia@example.org","pp":"bia@example.org/1","uri":"/account",` + set, true, false},
		{"another resource", `{"id":"c",` + wanted + `"uri":"/contacts",` + set, true, false},
		{"a part of it", `{"id":"c",` + wanted + `"uri":"/account/x",` + set, true, false},
		{"another method", `{"id":"c",` + wanted + `"uri":"/account","method":"delete"}`, true, false},
		{"reading", `{"id":"c",` + wanted + `"uri":"/account","method":"get"}`, true, false},
		{"merging", `{"id":"c",` + wanted + `"uri":"/account","method":"merge","type":"a/b+json","resource":{}}`, true, false},
		{"a URI that is none", `{"id":"c",` + wanted + `"uri":"account",` + set, true, false},
		{"to somebody", `{"id":"c",` + wanted + `"to":"rui@example.org","uri":"/account",` + set, true, false},
		{"a message", `{"id":"c",` + wanted + `"type":"text/plain","content":"x"}`, true, false},
		{"a response", `{"id":"c",` + wanted + `"method":"set","status":"success"}`, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := established(t)
			d.session.guest = row.guest
			d.says(row.command)
			if !row.passes {
				d.handsOnNothing("it speaks for somebody else")
				d.wantDropped("and is refused", dropRefused, 1)
				return
			}
			d.hearsNothing("a router answers")
			d.commands("from is the wanted identity, pp who asks",
				`{"id":"c","from":"bia@example.org","pp":"`+anaNode+`","uri":"/account","resource":{"password":"czNjcmV0"}}`)
		})
	}
}
