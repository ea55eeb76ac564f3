package edge

import (
	"strings"
	"testing"

	"limegrove/lime"
)

func TestReceiptsAreAllFiveAtFirst(t *testing.T) { // L-RES-09
	d := established(t)
	d.says(`{"id":"c","method":"get","uri":"/receipt"}`)
	d.hears("L-CMD-03: with type and resource", `{"id":"c","method":"get","status":"success","type":"application/vnd.lime.receipt+json",
		"resource":{"events":["accepted","dispatched","received","consumed","failed"]}}`)
	d.says(`{"id":"m","type":"text/plain","content":"hello?"}`)
	d.hears("the server's own", `{"id":"m","event":"received"}`)
}

func TestReceiptsAreSetAndRead(t *testing.T) { // L-RES-08
	d := established(t)
	for _, row := range []struct{ given, kept string }{
		{`{"events":["failed","accepted","dispatched","received","consumed","deleted"]}`, `"accepted","dispatched","received","consumed","failed","deleted"`}, // blip
		{`{"events":["Consumed","seen"],"x":{"y":[1]}}`, `"consumed","failed"`},
		{`{"events":[]}`, `"failed"`},
		{`{}`, `"accepted","dispatched","received","consumed","failed"`},
	} {
		for _, uri := range []string{"/receipt", "/Receipt/", "lime://ANA@example.org/receipt"} { // L-CMD-06
			d.says(`{"id":"c","method":"set","uri":"` + uri + `","type":"application/vnd.lime.receipt+json","resource":` + row.given + `}`)
			d.hears("it is set", `{"id":"c","method":"set","status":"success","type":null,"resource":null}`)
			d.says(`{"id":"c","method":"get","uri":"` + uri + `"}`)
			d.hears("and read", `{"status":"success","resource":{"events":[`+row.kept+`]}}`)
			d.member.events = 0
		}
	}
	d.says(`{"id":"p","method":"set","uri":"/presence","type":"application/vnd.lime.presence+json","resource":{"status":"available"}}`)
	d.says(`{"id":"r","method":"set","uri":"/receipt","type":"application/vnd.lime.receipt+json","resource":{"events":["failed"]}}`)
	d.hears("both succeed", `{"id":"p","status":"success"}`)
	d.hears("both succeed", `{"id":"r","status":"success"}`)
	d.handsOnNothing("it is the session's own")
}

func TestReceiptsThatCannotBeSet(t *testing.T) {
	d := established(t)
	for _, resource := range []string{`"failed"`, `[]`, `{"events":"failed"}`, `{"events":[1]}`, `{"x":"` + strings.Repeat("x", maxDecoded) + `"}`} {
		d.says(`{"id":"c","method":"set","uri":"/receipt","type":"application/vnd.lime.receipt+json","resource":` + resource + `}`)
		d.refusesCommand(resource, "set", 64)
	}
	for _, method := range []string{"delete", "subscribe", "unsubscribe"} {
		d.says(`{"id":"c","method":"` + method + `","uri":"/receipt"}`)
		d.refusesCommand("L-CMD-04: receipts cannot "+method, method, 63)
	}
	if d.member.events != 0 {
		t.Errorf("the receipts are %v", d.member.events.List())
	}
}

func TestOnlyFailedReachesWhoWantsNothing(t *testing.T) { // L-NOT-02
	d := established(t)
	d.member.events = lime.EventsOf()
	d.says(`{"id":"m","type":"text/plain","content":"hello?"}`)
	d.hearsNothing("the server's received is not wanted")
	d.says(`{"id":"m","to":"rui@example.com","type":"text/plain","content":"x"}`)
	d.refusesMessage("failed always is", 43)
}

func TestReceiptsForTheSessionItselfOrNobody(t *testing.T) {
	d := established(t)
	d.member.knows = "m"
	stamped := `{"from":"` + anaNode + `","id":"m","event":"received"}`
	for _, to := range []string{anaNode, "ana@example.org", "ana", "ANA/home", ""} { // L-NOT-08, L-NOT-09
		envelope := strings.Replace(`{"to":"`+to+`","id":"m","event":"received"}`, `"to":"",`, ``, 1)
		d.says(envelope)
		d.refused("a notification is not answered")
		if len(d.member.receipts) != 1 {
			t.Fatalf("%s: routing was given %q", envelope, d.member.receipts)
		}
		if err := match([]byte(d.member.receipts[0]), stamped); err != nil {
			t.Errorf("%s: from the emitter's node: %v", envelope, err)
		}
		d.member.receipts = nil
	}
	d.wantDropped("the sender is known", dropLoop, 0)
	d.says(`{"id":"n","to":"ana","event":"received"}`)
	d.says(`{"id":"n","event":"received"}`)
	d.wantDropped("who sends to itself is counted when none is", dropLoop, 1)
	d.member.receipts = nil
	for _, envelope := range []string{
		`{"id":"m","to":"` + server + `","event":"received"}`,
		`{"id":"m","to":"ana@example.org/Phone","event":"received"}`,
		`{"event":"received"}`, // L-NOT-11
	} {
		d.says(envelope)
	}
	if len(d.member.receipts) != 0 {
		t.Errorf("routing was given %q", d.member.receipts)
	}
}
