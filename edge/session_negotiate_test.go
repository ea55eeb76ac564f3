package edge

import (
	"testing"

	"limegrove/lime"
)

// negotiating begins a session over TCP that has something to choose.
func negotiating(t *testing.T, encryption ...string) *dialogue {
	t.Helper()
	d := newDialogue(t)
	d.session.overTCP = true
	d.session.rules.encryption = encryption
	return d
}

func TestOfferIsComplete(t *testing.T) { // L-SES-06, L-SES-09
	for _, encryption := range [][]string{{"tls", "none"}, {"none", "tls"}, {"tls"}} {
		d := negotiating(t, encryption...)
		d.says(`{"state":"new"}`)
		offer := `["` + encryption[0] + `"]`
		if len(encryption) == 2 {
			offer = `["` + encryption[0] + `","` + encryption[1] + `"]`
		}
		d.hears("the offer", `{"id":"$id","from":"`+server+`","state":"negotiating","encryptionOptions":`+offer+`,"compressionOptions":["none"]}`)
		d.hearsNothing("and no more")
	}
}

func TestNothingToChooseIsNotAsked(t *testing.T) { // L-SES-03
	d := negotiating(t)
	d.says(`{"state":"new"}`)
	d.hears("at once", `{"state":"authenticating","schemeOptions":["guest","plain"]}`)
}

func TestChoiceIsRepeatedBeforeItIsDone(t *testing.T) { // L-SES-07, L-SES-10, L-ENV-11
	for _, choice := range []string{"tls", "TLS"} {
		d := negotiating(t, "tls", "none")
		d.says(`{"state":"new"}`)
		d.sent = nil
		d.says(`{"id":"$id","state":"negotiating","encryption":"` + choice + `","compression":"None"}`)
		d.hears("as it is offered", `{"id":"$id","state":"negotiating","encryption":"tls","compression":"none"}`)
		d.hearsNothing("before TLS")
		if d.securing != 1 {
			t.Fatalf("asked %d times to encrypt", d.securing)
		}
		d.session.secured()
		d.hears("inside it", `{"id":"$id","state":"authenticating","schemeOptions":["guest","plain"]}`)
	}
	d := negotiating(t, "tls", "none")
	d.says(`{"state":"new"}`)
	d.sent = nil
	d.says(`{"id":"$id","state":"negotiating","encryption":"none","compression":"none"}`)
	d.hears("none", `{"id":"$id","state":"negotiating","encryption":"none","compression":"none"}`)
	d.hears("goes on at once", `{"id":"$id","state":"authenticating"}`)
	if d.securing != 0 {
		t.Error("encrypted all the same")
	}
}

func TestChoiceThatWasNotOffered(t *testing.T) { // L-SES-08
	for _, choice := range []string{
		`"encryption":"none","compression":"none"`, `"encryption":"tls","compression":"gzip"`,
		`"encryption":"tls"`, `"compression":"none"`, `"encryption":"","compression":""`,
		`"encryption":7,"compression":"none"`, `"encryption":null,"compression":null`, `"x":1`,
	} {
		d := negotiating(t, "tls")
		d.says(`{"state":"new"}`)
		d.sent = nil
		d.says(`{"id":"$id","state":"negotiating",` + choice + `}`)
		d.hearsFailed(choice, lime.CodeSessionNegotiationInvalidOptions)
		if d.securing != 0 {
			t.Errorf("%s: encrypted", choice)
		}
	}
}

func TestNegotiationIsNotSkipped(t *testing.T) {
	for _, says := range []string{
		`{"id":"$id","from":"ana@example.org/1","state":"authenticating","scheme":"guest"}`,
		`{"state":"new"}`, `{"id":"$id","state":"finishing"}`, `{"id":"m","type":"text/plain","content":"x"}`,
	} {
		d := negotiating(t, "tls")
		d.says(`{"state":"new"}`)
		d.sent = nil
		d.says(says)
		d.hearsFailed(says, lime.CodeSessionInvalidActionForState)
	}
	// Twice, over WebSocket, and when it is over.
	d := negotiating(t, "tls", "none")
	d.says(`{"state":"new"}`)
	d.says(`{"id":"$id","state":"negotiating","encryption":"none","compression":"none"}`)
	d.sent = nil
	d.says(`{"id":"$id","state":"negotiating","encryption":"none","compression":"none"}`)
	d.hearsFailed("once more", lime.CodeSessionInvalidActionForState)

	d = newDialogue(t)
	d.says(`{"state":"new"}`)
	d.sent = nil
	d.says(`{"id":"$id","state":"negotiating","encryption":"none","compression":"none"}`)
	d.hearsFailed("over WebSocket", lime.CodeSessionInvalidActionForState)

	d = negotiating(t, "tls")
	d.says(`{"state":"new"}`)
	d.says(`{"id":"$id","state":"negotiating","encryption":"tls","compression":"none"}`)
	d.sent = nil
	d.session.late()
	d.hearsFailed("no TLS in time", lime.CodeSessionNegotiationTimeout)
	d.session.secured()
	d.hearsNothing("and too late")
}

// A client over TCP is asked whether it answers before anything can be delivered to it.
func TestSessionOverTCPBeginsWithAPing(t *testing.T) {
	d := newDialogue(t)
	d.session.overTCP = true
	d.says(`{"state":"new"}`)
	d.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"guest"}`)
	d.grant(anaGrant)
	d.sent = nil
	d.place()
	d.hears("L-SES-33", `{"state":"established"}`)
	d.hears("and then", `{"id":"ping-0","from":"`+server+`","to":"`+anaNode+`","method":"get","uri":"/ping"}`)
	d.hearsNothing("and no more")
}

func TestAnswerToAPingIsNobodysElse(t *testing.T) {
	d := established(t)
	if err := match(d.session.ping(7), `{"id":"ping-7","from":"`+server+`","to":"`+anaNode+`","method":"get","uri":"/ping"}`); err != nil {
		t.Error(err)
	}
	d.says(`{"id":"ping-7","to":"` + server + `","method":"get","status":"success","type":"application/vnd.lime.ping+json","resource":{}}`)
	d.says(`{"id":"ping-8","method":"get","status":"failure","reason":{"code":61}}`)
	d.wantDropped("they are heard", dropUnwanted, 0)
	d.says(`{"id":"p-7","method":"get","status":"success"}`)
	d.wantDropped("and one that nobody asked for is not", dropUnwanted, 1)
	d.says(`{"id":"ping-9","method":"observe","uri":"/ping","type":"text/plain","resource":"x"}`)
	if len(d.pings) != 3 || d.pings[0] != "ping-7" || d.pings[1] != "ping-8" {
		t.Errorf("answers are %q", d.pings)
	}
	d.hearsNothing("none of them is answered")
	d.handsOnNothing("or goes elsewhere")
}
