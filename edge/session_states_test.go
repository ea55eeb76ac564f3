package edge

import (
	"fmt"
	"testing"

	"limegrove/lime"
)

// Where a session can be when something comes.
type position struct {
	name  string
	state lime.State
	enter func(d *dialogue)
}

var positions = []position{
	{"before new", 0, nil},
	{"authenticating", lime.StateAuthenticating, func(d *dialogue) { d.to(lime.StateAuthenticating) }},
	{"being authenticated", lime.StateAuthenticating, func(d *dialogue) {
		d.to(lime.StateAuthenticating)
		d.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"plain","authentication":{"password":"czNjcmV0"}}`)
	}},
	{"being registered", lime.StateAuthenticating, func(d *dialogue) {
		d.to(lime.StateAuthenticating)
		d.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"plain","authentication":{"password":"czNjcmV0"}}`)
		d.grant(anaGrant)
	}},
	{"established", lime.StateEstablished, func(d *dialogue) { d.to(lime.StateEstablished) }},
	{"finished", lime.StateFinished, func(d *dialogue) { d.to(lime.StateFinished); d.closed = nil }},
	{"failed", lime.StateFailed, func(d *dialogue) { d.to(lime.StateFailed); d.closed = nil }},
}

func (p position) dialogue(t *testing.T) *dialogue {
	d := newDialogue(t)
	if p.enter != nil {
		p.enter(d)
	}
	if d.session.state != p.state {
		t.Fatalf("%s: the session is %v", p.name, d.session.state)
	}
	return d
}

// What can become of a session, by what it sends and does.
const (
	ignores     = "nothing happens"
	offers      = "it is offered schemes"
	asks        = "somebody is asked who that is"
	answers     = "the envelope is answered or handed on, and the session goes on"
	ends        = "finished, close 1000"
	ends15      = "failed 15, close 1000"
	ends11      = "failed 11, close 1000"
	ends21      = "failed 21, close 1000"
	ends21by    = "failed 21, close 1002"
	ends16      = "failed 16, close 1000"
	ends12      = "failed 12, close 1000"
	endsInQuiet = "it ends without a word"
)

// outcome tells what has become of a session since the client looked.
func (d *dialogue) outcome(before lime.State) string {
	var last struct {
		State  lime.State
		Reason lime.Reason
	}
	if len(d.sent) > 1 {
		return fmt.Sprintf("more than one envelope: %q", d.sent)
	}
	if len(d.sent) == 1 {
		e, err := lime.DecodeSession([]byte(d.sent[0]))
		if err != nil {
			return err.Error()
		}
		last.State = e.State
		if e.Reason != nil {
			last.Reason = *e.Reason
		}
	}
	switch {
	case last.State == lime.StateFailed && len(d.closed) == 1:
		return fmt.Sprintf("failed %d, close %d", last.Reason.Code, d.closed[0])
	case last.State == lime.StateFinished && len(d.closed) == 1:
		return fmt.Sprintf("finished, close %d", d.closed[0])
	case len(d.closed) > 0:
		return fmt.Sprintf("closed with %v after %q", d.closed, d.sent)
	case last.State == lime.StateAuthenticating:
		return offers
	case len(d.logins) > 0 && before == lime.StateAuthenticating && d.session.waiting:
		return asks
	case len(d.sent) > 0 || len(d.member.routed) > 0:
		return answers
	case d.session.state.Ended() && !before.Ended():
		return endsInQuiet
	}
	return ignores
}

// TestEveryEnvelopeInEveryState is the whole of the state machine: what a client
// says, or what happens to it, in each position.
func TestEveryEnvelopeInEveryState(t *testing.T) {
	const message = `{"id":"m","to":"rui@example.org","type":"text/plain","content":"x"}`
	for _, row := range []struct {
		name string
		do   func(*dialogue)
		// Before new, authenticating, being authenticated, being registered, established.
		want [5]string
	}{
		// L-SES-26, L-SES-27.
		{"new", says(`{"state":"new"}`), [5]string{offers, ends15, ends15, ends15, ends15}},
		{"new with an id", says(`{"id":"x","state":"new"}`), [5]string{offers, ends15, ends15, ends15, ends15}},
		{
			"negotiating", says(`{"id":"$id","state":"negotiating","encryption":"none","compression":"none"}`),
			[5]string{ends15, ends15, ends15, ends15, ends15},
		},
		{
			"authenticating", says(`{"id":"$id","state":"authenticating","scheme":"guest","from":"x/1"}`),
			[5]string{ends15, asks, ends15, ends15, ends15},
		},
		{"established", says(`{"id":"$id","state":"established"}`), [5]string{ends15, ends15, ends15, ends15, ends15}},
		{"finishing", says(`{"id":"$id","state":"finishing"}`), [5]string{ends15, ends15, ends15, ends15, ends}}, // L-FIN-01
		{"finished", says(`{"id":"$id","state":"finished"}`), [5]string{ends15, ends15, ends15, ends15, ends15}},
		{"failed", says(`{"id":"$id","state":"failed"}`), [5]string{ends15, ends15, ends15, ends15, ends15}},
		// L-SES-23: the foreign id shows first, once there is an id.
		{
			"authenticating with a foreign id", says(`{"id":"x","state":"authenticating","scheme":"guest","from":"x/1"}`),
			[5]string{ends15, ends11, ends11, ends11, ends11},
		},
		{"finishing without an id", says(`{"state":"finishing"}`), [5]string{ends15, ends11, ends11, ends11, ends11}},
		{"finishing with the id in another case", finishingFolded, [5]string{ends15, ends11, ends11, ends11, ends11}}, // L-ENV-14
		// L-SES-24, L-SES-25.
		{"message", says(message), [5]string{ends15, ends15, ends15, ends15, answers}},
		{
			"notification", says(`{"id":"m","to":"rui@example.org","event":"received"}`),
			[5]string{ends15, ends15, ends15, ends15, answers},
		},
		{"command", says(`{"id":"c","method":"get","uri":"/ping"}`), [5]string{ends15, ends15, ends15, ends15, answers}},
		// L-ENV-04.
		{"no envelope", says(`{"id":"x","hello":1}`), [5]string{ends21, ends21, ends21, ends21, ends21}},
		{"no member", says(`{}`), [5]string{ends21, ends21, ends21, ends21, ends21}},
		// What is not said by the client.
		{
			"malformed", func(d *dialogue) { d.session.malformed("It is broken", 1002) },
			[5]string{ends21by, ends21by, ends21by, ends21by, ends21by},
		},
		{"late", func(d *dialogue) { d.session.late() }, [5]string{ends16, ends16, ends16, ends16, ends16}}, // L-SES-28
		{"stop", func(d *dialogue) { d.session.stop() }, [5]string{ends11, ends11, ends11, ends11, ends}},   // L-FIN-05
		{
			"end", func(d *dialogue) { d.session.end(lime.NewReason(12, "A newer session has this node")) }, // L-SES-21
			[5]string{ends12, ends12, ends12, ends12, ends12},
		},
		{
			"lost", func(d *dialogue) { d.session.lost() }, // L-FIN-04
			[5]string{endsInQuiet, endsInQuiet, endsInQuiet, endsInQuiet, endsInQuiet},
		},
	} {
		for i, p := range positions {
			t.Run(row.name+"/"+p.name, func(t *testing.T) {
				d := p.dialogue(t)
				d.logins = nil
				row.do(d)
				want := ignores // L-FIN-03
				if i < len(row.want) {
					want = row.want[i]
				}
				if got := d.outcome(p.state); got != want {
					t.Errorf("%s: %s, should be: %s; %q", p.name, got, want, d.sent)
				}
				if d.session.state < p.state {
					t.Errorf("L-FIN-06: back from %v to %v", p.state, d.session.state)
				}
				if p.state == lime.StateEstablished && d.session.state.Ended() && d.member.left == 0 {
					t.Error("an ended session keeps its place")
				}
			})
		}
	}
}

func says(envelope string) func(*dialogue) {
	return func(d *dialogue) { d.t.Helper(); d.says(envelope) }
}

func finishingFolded(d *dialogue) {
	id := []byte(d.session.who.Tag())
	for i := range id {
		if 'A' <= id[i] && id[i] <= 'Z' {
			id[i] |= 0x20
			break
		}
	}
	d.says(`{"id":"` + string(id) + `","state":"finishing"}`)
}

// Once a session has ended, an answer that was under way changes nothing.
func TestLateAnswersChangeNothing(t *testing.T) {
	for _, p := range positions[5:] {
		d := p.dialogue(t)
		d.session.authenticated(anaGrant, nil)
		d.session.authenticated(anaGrant, errOurs)
		d.session.attached(nil, errOurs)
		if got := d.outcome(p.state); got != ignores || len(d.arrivals) != 0 {
			t.Errorf("%s: %s", p.name, got)
		}
	}
}
