package edge

import (
	"errors"
	"testing"
	"time"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// expiring begins a session of ana whose authentication expires in an hour.
func expiring(t *testing.T) *dialogue {
	d := newDialogue(t)
	d.to(lime.StateAuthenticating)
	d.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"plain","authentication":{"password":"eA=="}}`)
	g := anaGrant
	g.Expires = d.now.Add(time.Hour)
	d.grant(g)
	d.place()
	d.sent = nil
	if !d.expiry.Equal(g.Expires) {
		t.Fatalf("it ends at %v", d.expiry)
	}
	return d
}

const renewal1 = `{"id":"1","method":"set","uri":"/authentication","type":"application/json","resource":{"scheme":"PLAIN","authentication":{"password":"eQ=="}}}`

func TestExpiryIsToldAndEndsTheSession(t *testing.T) {
	d := expiring(t)
	d.session.expiring(d.expiry)
	d.hears("a notice, which nothing answers", `{"id":null,"from":"`+server+`","to":"`+anaNode+`","method":"observe","uri":"/authentication",`+
		`"type":"application/vnd.limegrove.authentication+json","resource":{"expires":"2026-01-01T01:00:00.000Z"}}`)
	d.session.expired()
	d.hears("and the end", `{"id":"$id","state":"failed","reason":{"code":13}}`)
}

func TestSessionRenewsItsAuthentication(t *testing.T) {
	d := expiring(t)
	d.says(renewal1)
	r := d.asked()
	if r.Scheme != auth.SchemePlain || r.Node.String() != anaNode || string(r.Credentials) != `{"password":"eQ=="}` {
		t.Errorf("asked about %v with %s", r, r.Credentials)
	}
	d.says(renewal1)
	d.hears("one at a time", `{"id":"1","method":"set","status":"failure","reason":{"code":66}}`)
	g := anaGrant
	g.Expires = d.now.Add(2 * time.Hour)
	d.session.authenticated(g, nil)
	d.hears("done", `{"id":"1","from":"`+server+`","to":"`+anaNode+`","method":"set","status":"success",`+
		`"type":"application/vnd.limegrove.authentication+json","resource":{"expires":"2026-01-01T02:00:00.000Z"}}`)
	if !d.expiry.Equal(g.Expires) {
		t.Errorf("it ends at %v", d.expiry)
	}

	d.says(renewal1)
	d.asked()
	d.session.authenticated(anaGrant, nil)
	d.hears("for ever", `{"id":"1","status":"success","resource":{}}`)
	if !d.expiry.IsZero() {
		t.Errorf("it ends at %v", d.expiry)
	}
	d.says(renewal1)
	d.hears("nothing more to renew", `{"id":"1","status":"failure","reason":{"code":66}}`)
}

func TestRenewalIsForTheSameIdentityAlone(t *testing.T) {
	rui, role, guest := anaGrant, anaGrant, anaGrant
	rui.Identity = lime.MustParseIdentity("rui@example.org")
	role.Role = lime.RoleRootAuthority
	guest.Guest = !guest.Guest
	for what, g := range map[string]auth.Grant{"somebody else": rui, "more authority": role, "a guest": guest} {
		d := expiring(t)
		ends := d.expiry
		d.says(renewal1)
		d.asked()
		g.Expires = d.now.Add(2 * time.Hour)
		d.session.authenticated(g, nil)
		d.hears(what, `{"id":"1","status":"failure","reason":{"code":13}}`)
		if !d.expiry.Equal(ends) || d.session.state != lime.StateEstablished {
			t.Errorf("%s: it ends at %v", what, d.expiry)
		}
	}
}

func TestRenewalsThatAreRefused(t *testing.T) {
	for want, command := range map[string]string{
		`{"code":64}`: `"method":"set","uri":"/authentication","type":"application/json","resource":["x"]`,
		`{"code":13}`: `"method":"set","uri":"/authentication","type":"application/json","resource":{"scheme":"guest"}`,
		`{"code":63}`: `"method":"get","uri":"/authentication"`,
	} {
		d := expiring(t)
		d.says(`{"id":"1",` + command + `}`)
		d.hears(command, `{"id":"1","status":"failure","reason":`+want+`}`)
	}
	d := established(t)
	d.says(renewal1)
	d.hears("one that does not expire", `{"id":"1","status":"failure","reason":{"code":66}}`)

	d = expiring(t)
	for range maxRenewals - 1 {
		d.says(renewal1)
		d.asked()
		d.session.authenticated(auth.Grant{}, refusedLogin)
		d.hears("wrong", `{"id":"1","status":"failure","reason":{"code":13}}`)
	}
	for range maxRenewals {
		d.says(renewal1)
		d.asked()
		d.session.authenticated(auth.Grant{}, errors.New("away"))
		d.hears("no fault of the client", `{"id":"1","status":"failure","reason":{"code":11}}`)
	}
	d.says(renewal1)
	d.asked()
	d.session.authenticated(auth.Grant{}, refusedLogin)
	d.hears("once too often", `{"id":"1","status":"failure","reason":{"code":13}}`)
	d.hears("is the end", `{"id":"$id","state":"failed","reason":{"code":13}}`)
}

func TestAnswerToARenewalComesTooLate(t *testing.T) {
	d := expiring(t)
	d.says(renewal1)
	d.asked()
	d.session.expired()
	d.hears("the end", `{"id":"$id","state":"failed","reason":{"code":13}}`)
	d.session.authenticated(anaGrant, nil)
	d.hearsNothing("L-FIN-03")
}

// A session hears of its end a minute before, and has that time.
func TestSessionEndsWithItsAuthentication(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		e.doors.lets(time.Now().Add(10 * time.Minute))
		ana := e.login("ana@example.org/1")
		e.doors.lets(time.Time{})
		rui := e.login("rui@example.org/1")
		began := time.Now()
		time.Sleep(9*time.Minute - patience/2)
		ana.hears("the notice", `{"method":"observe","uri":"/authentication","resource":{"expires":"*"}}`)
		if took := time.Since(began); took < 9*time.Minute || took > 9*time.Minute+time.Second {
			t.Errorf("it comes after %v", took)
		}
		e.doors.lets(time.Now().Add(10 * time.Minute))
		ana.says(`{"id":"1","method":"set","uri":"/authentication","type":"application/json","resource":{"scheme":"guest"}}`)
		ana.hears("renewed", `{"id":"1","status":"success","resource":{"expires":"*"}}`)
		began = time.Now()
		time.Sleep(9*time.Minute - patience/2)
		ana.hears("the next notice", `{"method":"observe","uri":"/authentication"}`)
		time.Sleep(time.Minute - patience/2)
		ana.hearsFailed("the end", 13, 1000)
		if took := time.Since(began); took < 10*time.Minute || took > 10*time.Minute+time.Second {
			t.Errorf("it ends after %v", took)
		}
		if n := counted(t, e.metrics.expired); n != 1 {
			t.Errorf("%d are counted", n)
		}
		rui.greets("others go on", rui)
	})
}
