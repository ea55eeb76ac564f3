package edge

import (
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

func TestMessageIsForwardedByteForByte(t *testing.T) { // L-ENV-02, L-ENV-08
	d := established(t)
	const rest = `"x":{"deep":[null,{"y":1e400}]},"type":"application/x.unknown+json",` +
		`"content": { "a":[ 12345678901234567890123, -0.0, "\u00e9\/", null ] } ,"metadata":{"traceparent":"00-1"}}`
	d.says(`{"id":"m","from":"` + anaNode + `","to":"rui@example.org",` + rest)
	want := `rui@example.org {"id":"m","from":"` + anaNode + `","to":"rui@example.org",` + rest
	if got := d.member.routed[0]; got != want {
		t.Errorf("nothing had to change, but got\n%s\nnot\n%s", got, want)
	}
	d.says(`{"to":"rui","id":"m",` + rest)
	want = `rui@example.org {"from":"` + anaNode + `","to":"rui@example.org","id":"m",` + rest
	if got := d.member.routed[1]; got != want {
		t.Errorf("only addresses had to change, but got\n%s\nnot\n%s", got, want)
	}
}

func TestMetadataNeitherRoutesNorAuthorizes(t *testing.T) { // L-ENV-07
	d := established(t)
	d.says(`{"to":"rui@example.org","metadata":{"from":"rui@example.org","to":"lia","#message.to":"lia"},"type":"text/plain","content":"x"}`)
	d.routes("by to", "rui@example.org", `{"from":"`+anaNode+`"}`)
	const metadata = `"metadata":{"from":"rui@example.org","pp":"` + anaNode + `","to":"rui@example.org","domainRole":"rootAuthority","#command.uri":"/ping","scheme":"transport"}`
	d.says(`{"id":"m","from":"rui@example.org","pp":"` + anaNode + `","to":"lia@example.org","type":"text/plain","content":"x",` + metadata + `}`)
	d.refusesMessage("it does not make a delegation", 32)
	d.says(`{"id":"m","to":"rui@example.com","type":"text/plain","content":"x",` + metadata + `}`)
	d.refusesMessage("nor another domain ours", 43)
	d.says(`{"id":"c","method":"set","uri":"/presence","type":"application/vnd.lime.presence+json","resource":{"routingRule":"rootDomain"},` + metadata + `}`)
	d.refusesCommand("nor an authority", "set", 66)
	d.says(`{"id":"c","method":"get","uri":"/x",` + metadata + `}`)
	d.commands("nor another resource", `{"id":"c","from":"`+anaNode+`","uri":"/x"}`)
	d.hearsNothing("and that is all")
}

func TestWhatAStrictPeerCannotBearIsMended(t *testing.T) {
	d := established(t)
	d.says(`{"id":"m","to":"rui","metadata":{"a":null,"b":1,"c":"x","d":true},"type":"application/json","content":{"z":null}}`)
	d.routes("L-ENV-05, L-ENV-06: metadata holds texts alone", "rui@example.org",
		`{"id":"m","from":"`+anaNode+`","to":"rui@example.org","metadata":{"a":null,"b":"1","c":"x","d":"true"}}`)
	d.says(`{"id":"m","to":"rui@example.org/1","event":"failed","reason":"nope (Code 42)"}`)
	d.routes("L-ENV-12: a reason is an object", "rui@example.org/1",
		`{"event":"failed","reason":{"code":1,"description":"nope (Code 42)"}}`)
	d.says(`{"id":"m","to":"rui@example.org","metadata":{"b":1},"content":"x"}`)
	d.refusesMessage("mending does not spare the other checks", 21)
	d.says(`{"id":"c","method":"set","uri":"/presence","metadata":{"b":1},"type":"a/b+json","resource":{"status":"away"}}`)
	d.hears("the server bears it too", `{"id":"c","status":"success"}`)
	if d.member.presence.Status != lime.StatusAway {
		t.Errorf("the presence is %+v", d.member.presence)
	}
}

func TestEnvelopesThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		name, envelope string
		code           lime.Code
	}{
		{"L-ENV-09: message without a type", `{"id":"m","to":"rui","content":"x"}`, 21},
		{"an object that is said to be text", `{"id":"m","to":"rui","type":"text/plain","content":{}}`, 23},
		{"an array that is said to be JSON", `{"id":"m","to":"rui","type":"application/json","content":[]}`, 23},
		{"null content", `{"id":"m","to":"rui","type":"text/plain","content":null}`, 22},
		{"message of a null type", `{"id":"m","to":"rui","type":null,"content":"x"}`, 21},
		{"L-MSG-10: foreign domain", `{"id":"m","to":"rui@example.com","type":"text/plain","content":"x"}`, 43},
	} {
		d := established(t)
		d.says(row.envelope)
		d.refusesMessage(row.name, row.code)
		d.says(strings.Replace(row.envelope, `"id":"m",`, ``, 1))
		d.refused("L-MSG-09: without an id, " + row.name)
		d.wantDropped("both are counted", dropRefused, 2)
	}
	for _, row := range []struct {
		name, method, members string
		code                  lime.Code
	}{
		{"no uri", "get", ``, 21},
		{"null uri", "get", `,"uri":null`, 21},
		{"L-CMD-12: set without a resource", "set", `,"uri":"/x"`, 22},
		{"L-CMD-12: merge without a resource", "merge", `,"uri":"/x","type":"a/b","resource":null`, 22},
		{"resource without a type", "set", `,"uri":"/x","resource":{}`, 23},
		{"L-CMD-06: another scheme", "get", `,"uri":"http://example.org/x"`, 27},
		{"no slash", "get", `,"uri":"presence"`, 27},
		{"foreign domain", "get", `,"uri":"/x","to":"rui@example.com"`, 43},
		{"no node", "get", `,"uri":"/x","to":"a&b"`, 26},
	} {
		d := established(t)
		d.says(`{"id":"c","method":"` + row.method + `"` + row.members + `}`)
		d.refusesCommand(row.name, row.method, row.code)
	}
	d := established(t)
	d.says(`{"to":"rui","event":"received"}`)
	d.refused("L-NOT-11: a notification without an id")
	d.wantDropped("is dropped", dropRefused, 1)
	d.says(`{"id":"n","to":"a&b","event":"received"}`)
	d.refused("L-NOT-07: a notification to nowhere")
	d.says(`{"id":"c","to":"a&b","method":"get","status":"failure"}`)
	d.refused("L-CMD-11: a response to nowhere")
}

func TestWhatRoutingRefusesIsToldToTheSender(t *testing.T) {
	gone := lime.NewReason(lime.CodeRoutingDestinationNotFound, "Nobody is there")
	for _, row := range []struct {
		err  error
		code lime.Code
	}{{gone, 42}, {errOurs, 51}} {
		d := established(t)
		d.member.fails = row.err
		d.says(`{"id":"m","to":"rui","type":"text/plain","content":"x"}`)
		d.member.routed = nil
		d.refusesMessage("L-MSG-08: a message", row.code)
		d.says(`{"id":"c","to":"rui","method":"get","uri":"/x"}`)
		d.member.routed = nil
		d.refusesCommand("L-CMD-13: a command", "get", row.code)
		d.says(`{"id":"c","method":"get","uri":"/contacts"}`)
		d.member.commands = nil
		d.refusesCommand("a command to the server", "get", row.code)
		d.says(`{"id":"m","to":"rui","event":"consumed"}`)
		d.member.routed = nil
		d.refused("L-NOT-07: a notification")
	}
}

func TestNotificationsAreForwarded(t *testing.T) {
	d := established(t)
	for _, event := range []string{"accepted", "dispatched", "received", "consumed", "failed", "RECEIVED"} {
		d.says(`{"id":"m","to":"rui@example.org/1","event":"` + event + `"}`)
		d.routes("L-NOT-05: from the emitter's node", "rui@example.org/1", `{"id":"m","from":"`+anaNode+`","event":"`+strings.ToLower(event)+`"}`) // L-ENV-10
	}
	d.says(`{"id":"m","from":"ana@example.org","to":"rui@example.org/1","event":"received"}`)
	d.routes("L-NOT-06: lime-go's from is the identity that the message was for", "rui@example.org/1", `{"from":"`+anaNode+`"}`)
	for _, event := range []string{"deleted", "validated", "authorized"} {
		d.says(`{"id":"m","to":"rui@example.org/1","event":"` + event + `"}`)
		d.routes("L-NOT-10: whoever asked for it", "rui@example.org/1", `{"id":"m","from":"`+anaNode+`","event":"`+event+`"}`)
	}
	for i, to := range []string{anaNode, "ana@example.org", "ana", "ANA/home"} { // L-NOT-08
		d.says(`{"id":"m","to":"` + to + `","event":"received"}`)
		d.refused("lime-python's receipt to itself never loops")
		d.wantDropped("and is counted", dropLoop, i+1)
	}
	d.says(`{"id":"m","to":"ana@example.org/Phone","event":"received"}`)
	d.routes("to another session of the identity it goes", "ana@example.org/Phone", `{"event":"received"}`)
}

func TestCommandsBetweenClients(t *testing.T) {
	d := established(t)
	d.says(`{"id":"c","to":"rui@example.org/1","method":"get","uri":"/ping"}`)
	d.routes("a request goes to its node", "rui@example.org/1", `{"id":"c","from":"`+anaNode+`","uri":"/ping"}`)
	d.says(`{"id":"c","to":"rui@example.org/1","method":"get","status":"success","type":"a/b","resource":"x"}`)
	d.routes("L-CMD-11: so does a response", "rui@example.org/1", `{"id":"c","from":"`+anaNode+`","status":"success"}`)
	d.says(`{"id":"c","to":"rui@example.org/1","method":"get","uri":"/x","status":"success"}`)
	d.routes("L-CMD-02: without a uri, which would make a request of it", "rui@example.org/1", `{"id":"c","status":"success","uri":null}`)
	d.says(`{"to":"rui@example.org/1","method":"observe","uri":"/presence","type":"a/b","resource":"x"}`)
	d.routes("observe needs no id", "rui@example.org/1", `{"method":"observe"}`)
	d.says(`{"to":"rui@example.org/1","method":"get","uri":"/ping"}`)
	d.refused("L-CMD-08: a request without an id")
	d.wantDropped("is dropped", dropNoID, 1)
}

func TestAnswersThatDoNotFitAreCounted(t *testing.T) {
	d := established(t)
	d.full = true
	d.says(`{"id":"c","method":"get","uri":"/ping"}`)
	d.says(`{"id":"m","to":"rui@example.com","type":"text/plain","content":"x"}`)
	d.wantDropped("the client reads too slowly", dropQueueFull, 2)
}

func TestEnvelopesAboveTheRateAreRefused(t *testing.T) {
	d := established(t)
	d.session.rules.envelopeRate = 10
	message := `{"id":"m","to":"rui","type":"text/plain","content":"x"}`
	send := func(n int) (routed int) {
		for range n {
			d.says(message)
		}
		routed = len(d.member.routed)
		d.member.routed = nil
		return routed
	}
	if n := send(21); n != 20 {
		t.Errorf("%d pass at once at 10 a second, not 20", n)
	}
	d.refusesMessage("the one above", lime.CodeAuthorizationQuotaThresholdExceeded)
	d.wantDropped("is counted", dropRate, 1)
	d.says(`{"id":"c","method":"get","uri":"/ping"}`)
	d.refusesCommand("the rate is for every kind", "get", 34)
	d.says(`{"id":"m","to":"rui","event":"received"}`)
	d.refused("a notification is not answered")
	d.now = d.now.Add(500 * time.Millisecond)
	if n := send(10); n != 5 {
		t.Errorf("%d pass half a second later, not 5", n)
	}
	d.sent = nil
	d.now = d.now.Add(-time.Hour)
	if n := send(1); n != 0 {
		t.Errorf("%d pass because the clock went back", n)
	}
	d.sent = nil
	d.now = d.now.Add(2 * time.Hour)
	if n := send(100); n != 20 {
		t.Errorf("%d pass after a long rest, not 20", n)
	}
	d.sent = nil
	d.says(`{"id":"$id","state":"finishing"}`)
	d.hears("who may not send may leave", `{"state":"finished"}`)
}

func TestBytesAboveTheRateAreRefused(t *testing.T) {
	d := established(t)
	d.session.rules.byteRate = 1000
	long := `{"id":"m","to":"rui","type":"text/plain","content":"` + strings.Repeat("x", 1000) + `"}`
	d.says(long)
	d.routes("the first is within twice the rate", "rui@example.org", `{"id":"m"}`)
	d.says(long)
	d.refusesMessage("the second is not", 34)
	d.says(`{"id":"m","to":"rui","type":"text/plain","content":"x"}`)
	d.routes("a short one still fits", "rui@example.org", `{"content":"x"}`)
	d.now = d.now.Add(time.Second)
	d.says(long)
	d.routes("a second later a long one does, too", "rui@example.org", `{"id":"m"}`)
}

func TestNegativeRateIsNone(t *testing.T) {
	d := established(t)
	d.session.rules.envelopeRate, d.session.rules.byteRate = -1, -1
	for range 5000 {
		d.says(`{"to":"rui","type":"text/plain","content":"x"}`)
	}
	d.wantDropped("nothing", dropRate, 0)
}

func TestExchangeDoesNotAllocate(t *testing.T) {
	s, take := exchanging(t)
	if n := testing.AllocsPerRun(100, func() { take(s) }); n != 0 {
		t.Errorf("a message costs %v allocations", n)
	}
}
