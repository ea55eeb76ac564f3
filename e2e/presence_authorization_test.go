package e2e

import (
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
)

// Who may read the presence of others, and be told of it. ana has these contacts:
//
//	rui     with whom she shares everything
//	sub     likewise, and he has subscribed
//	mute    with whom she shares no presence
//	wait    who is pending
//
// Strangers are lia, and zed, who is a guest.
//
// whole and narrow have what the matrix gives them, and gw and root authority over t.org.
func TestWhoMayKnowOfAPresence(t *testing.T) { // L-CMD-14
	t.Parallel()
	m := newMatrix(t, "sub", "mute", "wait", "lia")
	ana := m.by["ana"]
	for _, contact := range []string{
		`{"identity":"rui@t.org"}`, `{"identity":"sub@t.org","sharePresence":true}`,
		`{"identity":"mute@t.org","sharePresence":false}`, `{"identity":"wait@t.org","isPending":true}`,
	} {
		if answer := ana.call(command("set /contacts contact " + contact)); answer.Status != "success" {
			t.Fatalf("%s: %s", contact, answer)
		}
	}
	available := map[string]any{"status": "available"}
	everybody := append(slices.Clone(actors), "sub", "mute", "wait", "lia")
	for _, who := range everybody {
		m.by[who].setPresence(available)
	}
	if answer := m.by["sub"].call(command("subscribe lime://ana@t.org/presence")); answer.Status != "success" {
		t.Fatalf("who may subscribes: %s", answer)
	}
	const shared, granted = "rui sub", "whole gw root"
	ask := func(text, may string, others lime.Code, but ...string) {
		t.Helper()
		for _, who := range everybody {
			if who == "ana" || slices.Contains(but, who) {
				continue
			}
			answer := m.by[who].call(command(text))
			want := others
			if who == "zed" {
				want = lime.CodeAuthorizationPermissionRequired // whatever a guest asks
			}
			if may := slices.Contains(strings.Fields(may), who); may != (answer.Status == "success") || !may && !answer.failedFor(want) {
				t.Errorf("%s: %s: %s, may %v", who, text, answer, may)
			}
		}
	}
	told := func(status, whom string) {
		t.Helper()
		ana.setPresence(map[string]any{"status": status})
		for _, who := range strings.Fields(whom) {
			m.by[who].want(who+" is told of "+status, func(e Envelope) bool {
				resource, _ := e.Resource.(map[string]any)
				return e.Method == "observe" && e.From == "ana@t.org" && resource["status"] == status
			})
		}
	}
	ask("get lime://ana@t.org/presence", shared+" "+granted, 35)
	ask("get lime://nobody@t.org/presence", "gw root", 35)
	ask(`set lime://ana@t.org/presence presence {"status":"busy"}`, "", 35)
	told("away", shared)
	for _, who := range strings.Fields(granted) {
		m.by[who].wantNothingOf(who+" may, and has not subscribed", "ana@t.org")
	}
	ask("subscribe lime://ana@t.org/presence", shared+" whole", 35) // authority is enough to ask, and not to be told
	told("busy", shared+" whole")
	for _, who := range []string{"gw", "root"} {
		m.by[who].wantNothingOf(who+" is not told", "ana@t.org")
	}
	ask("unsubscribe lime://ana@t.org/presence", shared+" whole", 67, "gw", "root")
	for _, who := range strings.Fields(granted) {
		m.by[who].forget()
	}
	told("away", shared) // with them she shares it
	for _, who := range everybody {
		if who != "ana" && !slices.Contains(strings.Fields(shared), who) {
			m.by[who].wantNothingOf(who+" is not told", "ana@t.org")
		}
	}
}

// wantNothingOf wants that nothing has come from somebody.
func (s *session) wantNothingOf(what, from string) {
	s.t.Helper()
	if got, came, _ := s.find(func(e Envelope) bool { return e.From == from }); came {
		s.t.Errorf("%s: it has got %s", what, got)
	}
}
