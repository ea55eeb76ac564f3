package limews

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"limegrove/loadtest/protocol"
)

var (
	_ protocol.Keeper    = (*LIME)(nil)
	_ protocol.Rooms     = (*LIME)(nil)
	_ protocol.Commander = (*LIME)(nil)
)

var clients = &LIME{Domain: "t.org"}

// login has client 7 log in with what a server says, and returns what it says itself.
func login(t *testing.T, l *LIME, server ...string) (says []string, done bool, err error) {
	t.Helper()
	step := 0
	for _, in := range append([]string{""}, server...) {
		if done {
			t.Fatal("it is in session before the end")
		}
		var out []byte
		if out, _, done, err = l.AppendLogin(nil, 7, step, []byte(in)); err != nil {
			return says, done, err
		}
		if len(out) > 0 {
			if !json.Valid(out) {
				t.Errorf("that is no JSON: %s", out)
			}
			says = append(says, string(out))
			step++
		}
	}
	return says, done, err
}

const (
	negotiated  = `{"state":"authenticating","id":"s1","from":"server@t.org/e","schemeOptions":["guest"]}`
	established = `{"id":"s1","from":"server@t.org/e","to":"c7@t.org/swarm","state":"established"}`
	available   = `{"id":"presence","method":"set","status":"success"}`
)

func TestGuestsLogInAndAreAvailable(t *testing.T) {
	says, done, err := login(t, clients, negotiated, established, `{"event":"received","id":"x"}`, available)
	if err != nil || !done {
		t.Fatalf("in session: %t, %v", done, err)
	}
	if len(says) != 3 || !strings.Contains(says[1], `"id":"s1"`) || !strings.Contains(says[1], `"from":"c7@t.org/swarm"`) {
		t.Errorf("it says %q", says)
	}
}

func TestSilentGuestsSetNoPresence(t *testing.T) {
	says, done, err := login(t, &LIME{Domain: "t.org", Silent: true}, negotiated, established)
	if err != nil || !done || len(says) != 2 {
		t.Errorf("it says %q, in session: %t, %v", says, done, err)
	}
}

func TestRefusedLoginSaysWhy(t *testing.T) {
	_, _, err := login(t, clients, `{"state":"failed","reason":{"code":13,"description":"no guests"}}`)
	if err == nil || errors.Is(err, protocol.ErrBusy) || !strings.Contains(err.Error(), "no guests") {
		t.Errorf("it says %v", err)
	}
	_, _, err = login(t, clients, negotiated, `{"state":"failed","reason":{"code":11,"description":"later"}}`)
	if !errors.Is(err, protocol.ErrBusy) {
		t.Errorf("of a server that has too much to do it says %v", err)
	}
}

// TestStampsComeBack: as a server forwards what was said, with a from and whatever order it has.
func TestStampsComeBack(t *testing.T) {
	m := protocol.Message{Stamp: protocol.Stamp{Stream: 7, Number: 1 << 30, Due: 3 * time.Hour}, Text: "xxxx"}
	for _, c := range []struct {
		name string
		says []byte
		want protocol.Kind
	}{
		{"message", clients.AppendMessage(nil, 3, &m), protocol.Delivered},
		{"kept", clients.AppendKept(nil, 3, &m), protocol.Delivered},
		{"receipt", clients.AppendReceipt(nil, 3, m.Stamp), protocol.Received},
		{"publication", clients.AppendPublish(nil, 3, &m), protocol.Delivered},
		{"kept publication", clients.AppendPublishKept(nil, 3, &m), protocol.Delivered},
		{"accepted", m.Stamp.Append([]byte(`{"event":"accepted","id":"`)), protocol.Accepted},
		{"dispatched", m.Stamp.Append([]byte(`{"event":"dispatched","id":"`)), protocol.Dispatched},
		{"failed", m.Stamp.Append([]byte(`{"reason":{"code":51},"event":"failed","id":"`)), protocol.Failed},
	} {
		if c.says[len(c.says)-1] != '}' {
			c.says = append(c.says, `"}`...)
		}
		if !json.Valid(c.says) {
			t.Errorf("%s: that is no JSON: %s", c.name, c.says)
		}
		in := append([]byte(`{"from":"c9@t.org/swarm",`), c.says[1:]...)
		e, taken, err := clients.Read(in)
		if err != nil || e.Kind != c.want || e.Stamp != m.Stamp || taken != len(in) {
			t.Errorf("%s: %+v of %d bytes of %s: %v", c.name, e, taken, in, err)
		}
	}
}

func TestWhatElseComesIsTold(t *testing.T) {
	for text, want := range map[string]protocol.Kind{
		`{"id":"join","method":"subscribe","status":"success"}`:               protocol.Joined,
		`{"state":"finished","id":"s1"}`:                                      protocol.Ended,
		`{"method":"observe","uri":"/contacts/a@t.org","resource":{"a":"b"}}`: protocol.Nothing,
	} {
		e, taken, err := clients.Read([]byte(text))
		if err != nil || e.Kind != want || taken != len(text) {
			t.Errorf("%s is %+v: %v", text, e, err)
		}
	}
	for _, text := range []string{
		`{"id":"join","method":"subscribe","status":"failure","reason":{"code":34}}`,
		`{"from":"a@t.org/1","type":"text/plain","content":"hello"}`,
		`{"event":"received","id":"4"}`,
	} {
		if e, _, err := clients.Read([]byte(text)); err == nil {
			t.Errorf("%s is %+v", text, e)
		}
	}
}

func TestPingsOfTheServerAreAnswered(t *testing.T) {
	e, _, err := clients.Read([]byte(`{"id":"p1","from":"server@t.org","method":"get","uri":"/ping"}`))
	if err != nil || !strings.Contains(string(e.Answer), `"id":"p1"`) || !json.Valid(e.Answer) {
		t.Errorf("it answers %s, %v", e.Answer, err)
	}
}

func TestMessagesDoNotAllocate(t *testing.T) {
	m := protocol.Message{Stamp: protocol.Stamp{Stream: 1, Number: 2, Due: 3}, Text: strings.Repeat("x", 200)}
	out := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		out = clients.AppendMessage(out[:0], 3, &m)
		if _, _, err := clients.Read(out); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for one", n)
	}
}

func TestCommandsAreAnswered(t *testing.T) {
	if ask := clients.AppendCommand(nil); !json.Valid(ask) {
		t.Errorf("that is no JSON: %s", ask)
	}
	for answer, want := range map[string]protocol.Kind{
		`{"id":"ask","from":"server@t.org/e","method":"get","status":"success","resource":{"status":"available"}}`: protocol.Answered,
		`{"id":"ask","method":"get","status":"failure","reason":{"code":34,"description":"too fast"}}`:             protocol.Failed,
		`{"id":"other","method":"get","status":"success"}`:                                                         protocol.Nothing,
	} {
		if e, taken, err := clients.Read([]byte(answer)); err != nil || taken != len(answer) || e.Kind != want {
			t.Errorf("%s is %d, %v", answer, e.Kind, err)
		}
	}
}
