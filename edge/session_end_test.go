package edge

import (
	"testing"

	"limegrove/lime"
)

func TestFinishingIsAnsweredByFinished(t *testing.T) { // L-FIN-01
	d := established(t)
	d.says(`{"id":"$id","state":"finishing"}`)
	d.hears("with the session's id and both nodes", `{"id":"$id","from":"`+server+`","to":"`+anaNode+`","state":"finished","reason":null}`)
	d.hearsNothing("and nothing else")
	if d.member.left != 1 {
		t.Errorf("the place was given up %d times", d.member.left)
	}
	d.session.lost() // the transport closes
	if d.member.left != 1 || d.session.state != lime.StateFinished {
		t.Errorf("after the close: left %d times, %v", d.member.left, d.session.state)
	}
}

func TestWhatCameBeforeFinishingIsRouted(t *testing.T) { // L-FIN-02
	d := established(t)
	d.says(`{"to":"rui@example.org","type":"text/plain","content":"last words"}`)
	d.says(`{"id":"$id","state":"finishing"}`)
	d.routes("before the session left", "rui@example.org", `{"content":"last words"}`)
	d.hears("and then finished", `{"state":"finished"}`)
}

func TestIdleSessionIsFinishedWithoutReason(t *testing.T) { // L-TRN-10
	d := established(t)
	d.session.finish()
	d.hears("finished", `{"id":"$id","state":"finished","to":"`+anaNode+`","reason":null}`)
}

func TestReplacedSessionFailsWithItsNode(t *testing.T) { // L-SES-21
	d := established(t)
	d.session.end(lime.NewReason(lime.CodeSessionRegistrationError, "A newer session has this node"))
	d.hears("the older one fails", `{"id":"$id","from":"`+server+`","to":"`+anaNode+`","state":"failed","reason":{"code":12}}`)
}

// A drop without finishing ends the session as a finish does: L-FIN-04.
func TestLostConnectionGivesThePlaceUp(t *testing.T) {
	d := established(t)
	d.session.lost()
	d.session.lost()
	if d.member.left != 1 || !d.session.state.Ended() {
		t.Errorf("left %d times, %v", d.member.left, d.session.state)
	}
	d.hearsNothing("there is nobody to hear it")
}

// The first envelope of ours may be the last: it has an id all the same.
func TestFailedBeforeNewHasAnID(t *testing.T) { // L-SES-01, L-SES-29
	d := newDialogue(t)
	d.session.late()
	d.hears("failed", `{"id":"*","from":"`+server+`","to":null,"state":"failed","reason":{"code":16,"description":"*"}}`)
}
