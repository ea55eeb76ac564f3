package edge

import (
	"strings"
	"testing"

	"limegrove/edge/auth"
	"limegrove/lime"
)

func TestNewIsAnsweredByTheSchemesOnOffer(t *testing.T) {
	d := newDialogue(t)
	d.says(`{"state":"new"}`)
	d.hears("L-SES-01, L-SES-03, L-SES-05: straight to authenticating, with an id and the server's node",
		`{"id":"*","from":"`+server+`","to":null,"state":"authenticating","schemeOptions":["guest","plain"],"scheme":null}`)
	d.hearsNothing("one answer")
}

func TestIDInNewIsNotAdopted(t *testing.T) { // L-SES-02
	d := newDialogue(t)
	d.says(`{"id":"mine","state":"New","encryption":"tls","x":[1]}`)
	if d.session.who.Tag() == "mine" {
		t.Error("lime-python's id was adopted")
	}
	d.hears("an answer all the same, L-ENV-11", `{"id":"$id","state":"authenticating"}`)
	if d.session.who.Tag() == established(t).session.who.Tag() {
		t.Error("L-SES-01: two sessions have one id")
	}
}

func TestGuestLogsIn(t *testing.T) {
	for _, authentication := range []string{``, `,"authentication":{}`, `,"authentication":{"scheme":"guest"}`, `,"authentication":null`} { // L-SES-12
		d := newDialogue(t)
		d.to(lime.StateAuthenticating)
		d.says(`{"id":"$id","from":"5F0C@example.org/web","state":"authenticating","scheme":"guest"` + authentication + `}`)
		d.hearsNothing("nothing before it is known who that is")
		r := d.asked()
		if r.Scheme != auth.SchemeGuest || r.Node.String() != "5F0C@example.org/web" {
			t.Errorf("asked about %v", r)
		}
		d.session.authenticated(auth.Grant{Identity: r.Node.Identity, Guest: true}, nil)
		d.hearsNothing("nothing before it has a place")
		if a := d.arrived(); a.Node != r.Node || !a.Guest || a.Session != d.session.who.Tag() {
			t.Errorf("%+v arrives", a)
		}
		d.session.attached(d.member, nil)
		d.hears("L-SES-11, L-ADR-06: established with the assigned complete node",
			`{"id":"$id","from":"`+server+`","to":"5F0C@example.org/web","state":"established","schemeOptions":null}`)
	}
}

func TestCredentialsReachTheAuthenticatorAsSent(t *testing.T) { // L-SES-13
	d := newDialogue(t)
	d.to(lime.StateAuthenticating)
	d.says(`{"id":"$id","from":"ana/Home","state":"AUTHENTICATING","scheme":"Plain","authentication":{ "password":"czNjcmV0", "scheme":"plain" }}`)
	r := d.asked()
	if r.Scheme != auth.SchemePlain {
		t.Errorf("L-ENV-11: the scheme is %q", r.Scheme)
	}
	if string(r.Credentials) != `{ "password":"czNjcmV0", "scheme":"plain" }` {
		t.Errorf("the credentials are %s", r.Credentials)
	}
	if r.Node.String() != "ana@example.org/Home" {
		t.Errorf("L-ADR-03: the node is %v", r.Node)
	}
}

// The role is that of the authenticator's grant, whatever a client says.
func TestRoleThatAClientGivesItselfHasNoEffect(t *testing.T) { // L-SES-32
	const role = `"domainRole":"rootAuthority","role":"rootAuthority"`
	for _, scheme := range []string{"guest", "plain"} {
		d := newDialogue(t)
		d.says(`{"state":"new",` + role + `}`)
		d.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"` + scheme + `",` + role +
			`,"authentication":{"password":"czNjcmV0",` + role + `},"metadata":{"domainRole":"rootAuthority"}}`)
		d.grant(anaGrant)
		if a := d.arrived(); a.Role != lime.RoleMember {
			t.Errorf("%s: it arrives with the role %v", scheme, a.Role)
		}
	}
}

// Activate is the moment from which routing delivers: L-SES-33.
type orderedMember struct {
	fakeMember
	d    *dialogue
	said int
}

func (m *orderedMember) Activate() { m.said = len(m.d.sent) }

func TestDeliveryBeginsAfterEstablished(t *testing.T) { // L-SES-33
	d := newDialogue(t)
	d.to(lime.StateAuthenticating)
	d.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"guest"}`)
	d.grant(anaGrant)
	d.arrived()
	m := &orderedMember{d: d}
	d.session.attached(m, nil)
	if m.said != 1 {
		t.Errorf("routing may deliver after %d envelopes, not after established", m.said)
	}
}

func TestMissingInstanceIsUniquePerSession(t *testing.T) { // L-SES-18, L-SES-19, L-SES-20
	seen := map[string]bool{}
	for _, from := range []string{"ana@example.org", "ana@example.org/", "ana"} {
		d := newDialogue(t)
		d.to(lime.StateAuthenticating)
		d.says(`{"id":"$id","from":"` + from + `","state":"authenticating","scheme":"guest"}`)
		d.grant(auth.Grant{Identity: lime.MustParseIdentity("ana@example.org")})
		node := d.arrived().Node
		if !node.Complete() || seen[node.Instance] {
			t.Errorf("%s becomes %v", from, node)
		}
		seen[node.Instance] = true
	}
}

func TestAssignedIdentityIsTheGrantedOne(t *testing.T) {
	d := newDialogue(t)
	d.to(lime.StateAuthenticating)
	d.says(`{"id":"$id","from":"x@example.org/a/b@c#1","state":"authenticating","scheme":"guest"}`)
	d.grant(auth.Grant{Identity: lime.MustParseIdentity("y@Example.NET")})
	d.place()
	d.hears("L-ADR-01: the instance is kept, the server is that of the identity's domain",
		`{"from":"postmaster@Example.NET/#e1","to":"y@Example.NET/a/b@c#1","state":"established"}`)
}

func TestGrantedIdentityThatIsNoAddressFails(t *testing.T) {
	d := newDialogue(t)
	d.to(lime.StateAuthenticating)
	d.says(`{"id":"$id","from":"x/1","state":"authenticating","scheme":"guest"}`)
	d.grant(auth.Grant{Identity: lime.Identity{Name: "a<b", Domain: "example.org"}})
	d.hearsFailed("an authenticator's mistake", lime.CodeValidationInvalidIdentity)
}

func TestCredentialsThatCannotBeTaken(t *testing.T) { // L-SES-17, L-ADR-02
	long := strings.Repeat("a", 1024)
	for _, try := range []struct {
		name, members string
		code          lime.Code
	}{
		{"no scheme", `"from":"ana/1"`, 13},
		{"empty scheme", `"from":"ana/1","scheme":""`, 13},
		{"unoffered scheme", `"from":"ana/1","scheme":"key"`, 13},
		{"unknown scheme", `"from":"ana/1","scheme":"magic"`, 13},
		{"scheme of the wrong type", `"from":"ana/1","scheme":["guest"]`, 13},
		{"neither", ``, 13},
		{"no from", `"scheme":"guest"`, 25},
		{"null from", `"from":null,"scheme":"guest"`, 25},
		{"empty from", `"from":"","scheme":"guest"`, 25},
		{"forbidden character", `"from":"a&b@example.org/1","scheme":"guest"`, 25},
		{"long name", `"from":"` + long + `@example.org","scheme":"guest"`, 25},
		{"long instance", `"from":"ana@example.org/` + long + `","scheme":"guest"`, 25},
		{"at alone", `"from":"@","scheme":"guest"`, 25},
	} {
		t.Run(try.name, func(t *testing.T) {
			d := newDialogue(t)
			d.to(lime.StateAuthenticating)
			d.says(strings.Replace(`{"id":"$id","state":"authenticating",`+try.members+`}`, ",}", "}", 1))
			d.hearsFailed(try.name, try.code)
			if len(d.logins) != 0 {
				t.Error("the authenticator was asked")
			}
		})
	}
}

// What a client writes beside its credentials is not looked into: L-ENV-02.
func TestLoginBearsUnknownMembers(t *testing.T) {
	for _, members := range []string{
		`"encryptionOptions":"none"`, `"metadata":{"traceparent":"00-1"}`, `"reason":"x"`, `"to":"@"`, `"domainRole":"authority"`,
	} {
		d := newDialogue(t)
		d.to(lime.StateAuthenticating)
		d.says(`{"id":"$id","from":"ana/1","state":"authenticating","scheme":"guest",` + members + `}`)
		d.hearsNothing(members)
		d.asked()
	}
}

func TestLoginErrors(t *testing.T) {
	refused := lime.NewReason(lime.CodeSessionAuthenticationFailed, "The credentials were not accepted")
	taken := lime.NewReason(lime.CodeSessionRegistrationError, "The node is in use")
	for _, try := range []struct {
		name        string
		login, join error
		code        lime.Code
	}{
		{"L-SES-15: bad credentials", refused, nil, 13},
		{"ours, while authenticating", errOurs, nil, 11},
		{"L-SES-22: refused by the registry", nil, taken, 12},
		{"ours, while registering", nil, errOurs, 11},
	} {
		t.Run(try.name, func(t *testing.T) {
			d := newDialogue(t)
			d.to(lime.StateAuthenticating)
			d.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"plain","authentication":{"password":"czNjcmV0"}}`)
			d.asked()
			d.session.authenticated(auth.Grant{Identity: lime.MustParseIdentity("Ana@example.org")}, try.login)
			if try.login == nil {
				d.arrived()
				d.session.attached(nil, try.join)
			}
			for _, s := range d.sent {
				if strings.Contains(s, "secret") || strings.Contains(s, "czNjcmV0") { // L-SES-34
					t.Errorf("an error of ours is shown: %s", s)
				}
			}
			d.hearsFailed(try.name, try.code)
		})
	}
}

// A client's domain is not the server's before it is known to be served.
func TestServerNodeIsOfAServedDomain(t *testing.T) {
	d := newDialogue(t)
	d.to(lime.StateAuthenticating)
	d.says(`{"id":"$id","from":"ana@evil.example/1","state":"authenticating","scheme":"guest"}`)
	d.asked()
	d.session.authenticated(auth.Grant{}, lime.NewReason(lime.CodeValidationInvalidIdentity, "The domain is not served here"))
	d.hearsFailed("a domain that is not served", 25)
}

func TestSecondLoginWhileOneIsUnderWayFails(t *testing.T) {
	d := newDialogue(t)
	d.to(lime.StateAuthenticating)
	login := `{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"guest"}`
	d.says(login)
	d.says(login)
	d.hearsFailed("one at a time", lime.CodeSessionInvalidActionForState)
	d.grant(anaGrant)
	if len(d.arrivals) != 0 {
		t.Error("a failed session asks for a place")
	}
}

func TestPlaceOfASessionThatEndedMeanwhileIsGivenUp(t *testing.T) {
	for name, end := range map[string]func(*session){
		"lost": (*session).lost, "late": (*session).late, "stop": (*session).stop,
	} {
		d := newDialogue(t)
		d.to(lime.StateAuthenticating)
		d.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"guest"}`)
		d.grant(anaGrant)
		end(&d.session)
		d.sent = nil
		d.place()
		d.hearsNothing(name)
		if d.member.left != 1 || d.member.active {
			t.Errorf("%s: left %d times, active %v", name, d.member.left, d.member.active)
		}
		d.session.attached(nil, errOurs) // as is the error of one
		d.hearsNothing(name)
	}
}
