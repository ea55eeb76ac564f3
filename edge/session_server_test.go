package edge

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

func TestPing(t *testing.T) { // L-CMD-10, L-CMD-06
	d := established(t)
	for _, uri := range []string{"/ping", "/PING", "/ping/", "lime://ana@example.org/ping", "lime://example.org/ping", "/ping?x=1"} {
		d.says(`{"id":"c","method":"get","uri":"` + uri + `"}`)
		d.hears(uri, `{"id":"c","from":"`+server+`","to":"`+anaNode+`","method":"get","status":"success","type":"application/vnd.lime.ping+json","resource":{},"uri":null}`)
	}
	d.says(`{"id":"c","method":"delete","uri":"/ping"}`)
	d.refusesCommand("L-CMD-04: another method", "delete", 63)
}

func TestWhatTheServerConsumes(t *testing.T) {
	d := established(t)
	d.says(`{"id":"m","type":"text/plain","content":"hello?"}`)
	d.hears("L-MSG-13: a message is received", `{"id":"m","from":"`+server+`","to":"`+anaNode+`","event":"received","reason":null}`)
	for _, envelope := range []string{
		`{"type":"text/plain","content":"x"}`, // L-MSG-09
		`{"id":"m","event":"received"}`,       // L-NOT-09
		`{"id":"m","to":"` + server + `","event":"failed","reason":{"code":1}}`,
		`{"method":"observe","uri":"/x","type":"a/b","resource":"x"}`, // L-CMD-07
		`{"id":"c","method":"observe","uri":"/presence","type":"a/b","resource":"x"}`,
		`{"id":"c","to":"` + server + `","method":"get","status":"success","type":"application/vnd.lime.ping+json","resource":{}}`, // L-CMD-11
		`{"id":"c","method":"get","uri":"/ping","status":"success"}`,                                                               // lime-js pongs a pong
		`{"method":"get","uri":"/ping"}`,                                                                                           // L-CMD-08
		`{"method":"set","uri":"/presence","type":"a/b","resource":{"status":"away"}}`,
	} {
		d.says(envelope)
		d.refused(envelope)
	}
	d.wantDropped("observe and responses", dropUnwanted, 4)
	d.wantDropped("requests without an id", dropNoID, 2)
	if d.member.presence.Status != "" {
		t.Error("a request that was dropped had an effect")
	}
}

func TestOtherCommandsGoToTheRouters(t *testing.T) {
	d := established(t)
	for _, members := range []string{
		`"method":"get","uri":"/contacts"`,
		`"method":"get","uri":"lime://rui@example.org/presence"`, // L-CMD-14 is theirs to tell
		`"method":"get","uri":"/presence/x"`,
		`"method":"get","uri":"/"`,
		`"method":"get","uri":"lime://rui@example.org/receipt"`,
		`"method":"subscribe","uri":"lime://rui@example.org/presence"`,
	} {
		d.says(`{"id":"c",` + members + `}`)
		d.hearsNothing("a router answers")
		d.commands("with the requester's node", `{"from":"`+anaNode+`","id":"c",`+members+`}`)
	}
}

func TestPresenceIsUnavailableAtFirst(t *testing.T) { // L-RES-01
	d := established(t)
	d.says(`{"id":"c","method":"get","uri":"/presence"}`)
	d.hears("L-CMD-03: with type and resource", `{"id":"c","method":"get","status":"success",
		"type":"application/vnd.lime.presence+json","resource":{"status":"unavailable","instances":null,"routingRule":null}}`)
}

func TestPresenceIsSetAndRead(t *testing.T) {
	d := established(t)
	for _, uri := range []string{"/presence", "/Presence/", "lime://ANA@example.org/presence"} { // L-CMD-06
		d.member.presence = lime.Presence{}
		d.says(`{"id":"c","method":"set","uri":"` + uri + `","type":"application/vnd.lime.presence+json",
			"resource":{"status":"Available","message":"é","routingRule":"identity","echo":true,"priority":5,"roundRobin":true,"promiscuous":true,
			"filterByDistance":true,"x":[1]}}`)
		d.hears("L-RES-08: unknown properties are borne", `{"id":"c","method":"set","status":"success","type":null,"resource":null}`)
		want := lime.Presence{
			Status: "available", Message: "é", RoutingRule: "identity", Echo: true, Priority: 5, RoundRobin: true, Promiscuous: true, FilterByDistance: true,
		}
		if got := d.member.presence; !reflect.DeepEqual(got, want) {
			t.Errorf("the presence is %+v, not %+v", got, want)
		}
		d.says(`{"id":"c","method":"get","uri":"` + uri + `"}`)
		d.hears("all of it is read", `{"status":"success","resource":{"status":"available","message":"é","routingRule":"identity","echo":true,
			"priority":5,"roundRobin":true,"promiscuous":true,"filterByDistance":true}}`)
	}
	d.handsOnNothing("the edge knows it best")
}

func TestPresenceOfTheIdentityListsInstances(t *testing.T) { // L-RES-04
	d := established(t)
	for _, from := range []string{`"from":"ana@example.org","pp":"` + anaNode + `"`, `"from":"ana@example.org"`, `"from":"ANA"`} {
		d.says(`{"id":"c",` + from + `,"method":"get","uri":"/presence"}`)
		d.hears(from, `{"status":"success","resource":{"status":"unavailable","instances":["Home","desk"]}}`)
	}
	d.says(`{"id":"c","from":"` + anaNode + `","method":"get","uri":"/presence"}`)
	d.hears("of the node it does not", `{"status":"success","resource":{"instances":null}}`)
}

func TestRulesThatNeedAuthority(t *testing.T) { // L-RES-06
	for role, allowed := range map[lime.Role][]lime.RoutingRule{
		"":                     {},
		lime.RoleMember:        {},
		lime.RoleAuthority:     {lime.RouteDomain},
		lime.RoleRootAuthority: {lime.RouteDomain, lime.RouteRootDomain},
	} {
		d := established(t)
		d.session.rank = role.Rank()
		for _, rule := range []lime.RoutingRule{lime.RouteDomain, lime.RouteRootDomain} {
			d.says(`{"id":"c","method":"set","uri":"/presence","type":"application/vnd.lime.presence+json","resource":{"routingRule":"` + string(rule) + `"}}`)
			if !slices.Contains(allowed, rule) {
				d.refusesCommand(string(role)+" may not", "set", 66)
				continue
			}
			d.hears(string(role)+" may", `{"id":"c","method":"set","status":"success"}`)
			if d.member.presence.RoutingRule != rule {
				t.Errorf("the presence of %s is %+v", role, d.member.presence)
			}
		}
	}
}

func TestPresenceThatCannotBeSet(t *testing.T) {
	d := established(t)
	for _, row := range []struct {
		resource string
		code     lime.Code
	}{
		{`{"status":"available","routingRule":"domain"}`, 66}, // L-RES-06
		{`{"routingRule":"rootDomain"}`, 66},
		{`{"routingRule":"magic"}`, 64},
		{`{"status":"sleepy"}`, 64},
		{`{"status":7}`, 64},
		{`"available"`, 64},
		{`[]`, 64},
		{`{"status":"away","message":"` + strings.Repeat("x", 1025) + `"}`, 64},
	} {
		d.says(`{"id":"c","method":"set","uri":"/presence","type":"application/vnd.lime.presence+json","resource":` + row.resource + `}`)
		d.refusesCommand(row.resource, "set", row.code)
	}
	for _, method := range []string{"delete", "subscribe", "unsubscribe"} {
		d.says(`{"id":"c","method":"` + method + `","uri":"/presence"}`)
		d.refusesCommand("L-CMD-04: presence cannot "+method, method, 63)
	}
	if d.member.presence.Status != "" {
		t.Errorf("the presence is %+v", d.member.presence)
	}
}

// A command that a router or Redis has to answer counts for more than one envelope, one that the edge answers does not.
func TestCommandsHaveTheirPrice(t *testing.T) {
	for _, c := range []struct {
		rate          int
		floods        bool
		pings, others int
	}{
		{10, false, 20, 5},
		{2, false, 4, 2},
		{1, false, 2, 2},
		{100, true, 40, 10},
		{10, true, 4, 2},
		{4, true, 2, 2},
		{2, true, 2, 2},
		{1, true, 2, 2},
	} {
		d := established(t)
		d.session.rules.envelopeRate, d.session.floods = c.rate, c.floods
		for range c.pings {
			d.says(`{"id":"c","method":"get","uri":"/ping"}`)
			d.hears("one that the edge answers", `{"status":"success"}`)
		}
		d.says(`{"id":"c","method":"get","uri":"/ping"}`)
		d.refusesCommand("one more", "get", 34)
		d.now = d.now.Add(time.Minute)
		for range c.others {
			d.says(`{"id":"c","method":"get","uri":"/contacts"}`)
			d.commands("one that a router answers", `{"uri":"/contacts"}`)
		}
		d.says(`{"id":"c","method":"get","uri":"/contacts"}`)
		d.refusesCommand("one more", "get", 34)
		d.wantDropped("both are counted", dropRate, 2)
		d.wantDropped("and once", dropRefused, 0)
	}
}
