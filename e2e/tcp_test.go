package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

// TestClientsChooseToBeEncrypted over TCP, or must: L-SES-06 to L-SES-10, L-TRN-12.
func TestClientsChooseToBeEncrypted(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	c := startCluster(t, 1)
	lib := limeGo(t, "-pongs", "-ca", certificate)
	for _, offer := range []string{"tls,none", "tls"} {
		t.Run("offered "+offer, func(t *testing.T) {
			e := c.addEdge(t, "-tcp", address(0), "-tcp-encryption", offer, "-tls-cert", certificate, "-tls-key", key)
			s := stage{c, place{goLibrary, c.edges[0]}, place{lib, e.overTLS()}}
			ana := s.guest(t, s.here, "ana", "home")
			account := s.newAccount(t, "rui")
			for how, rui := range map[string]*session{
				"a guest":                s.guest(t, s.there, "rui", "desk"),
				"who knows the password": login(t, lib, s.there.at, account+"/desk", secret(password)),
			} {
				talk := talk{ana: ana, rui: rui}
				talk.exchange("encrypted for " + how)
				long := strings.Repeat(how, 10_000) // of several TLS records
				ana.send(text("long", rui.node, long))
				rui.wantText("a long message to "+how, long)
				rui.send(text("long", ana.node, long))
				ana.wantText("and one back", long)
				rui.finish()
				rui.wantEnd("L-FIN-01, for "+how, "finished")
			}
			open := place{lib, e.overTCP()}
			if offer == "tls" { // L-SES-08, L-SES-09
				if code := refused(t, open.lib, open.at, s.name("rui")+"/desk", "").Code; code != lime.CodeSessionNegotiationInvalidOptions {
					t.Errorf("who does not want what must be is refused with %d", code)
				}
				return
			}
			talk := talk{ana: ana, rui: s.guest(t, open, "rui", "desk")}
			talk.exchange("not encrypted, as it was chosen")
		})
	}
}

// pongPatience is how long an edge waits for a client's first answer to a ping of LIME's.
const pongPatience = 5 * time.Second

// TestAnswerToAPingAcknowledges over TCP what a client without receipts has: design,
// promise P4.
func TestAnswerToAPingAcknowledges(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "-tcp", address(0))
	s := stage{c, place{goLibrary, c.edges[0]}, place{limeGo(t, "-pongs"), c.edges[1].overTCP()}}
	ana, rui := s.guest(t, s.here, "ana", "home"), s.guest(t, s.there, "rui", "desk")
	ana.setReceipts("dispatched", "failed")
	sent := time.Now()
	ana.send(text("1", rui.node, "once"))
	rui.wantText("a message", "once")
	ana.wantEvent("its sender hears of it", "1", "dispatched")
	if took := time.Since(sent); took >= pongPatience {
		t.Errorf("that took %s, as if no ping had been answered", took)
	}
	again := s.comeBack(t, ana, rui)
	again.wantNothingElse("what was acknowledged does not come again")
}

// comeBack has rui's connection cut and the same node log in again, which ana writes to.
func (s stage) comeBack(t *testing.T, ana, rui *session) (again *session) {
	t.Helper()
	rui.client.Drop()
	_, instance, _ := strings.Cut(rui.node, "/")
	again = guest(t, s.there.lib, s.there.at, nameOf(rui)+"/"+instance)
	ana.send(text("back", again.node, "welcome back"))
	again.wantText("what is sent to the node that has come back", "welcome back")
	return again
}

// wantPing waits until the server asks whether the session has read what came before.
func (s *session) wantPing(what string) {
	s.t.Helper()
	got := s.want(what, isPing)
	if got.From != s.server || got.To != s.node || got.Method != methodGet || got.ID == "" {
		s.t.Errorf("%s: it is %s", what, got)
	}
}

// wantNothingButPings is wantNothingElse for a session that answers no pings.
func (s *session) wantNothingButPings(what string) {
	s.t.Helper()
	// One look: another ping may come at any moment.
	if rest := slices.DeleteFunc(s.received(), isPing); len(rest) > 0 {
		s.t.Errorf("%s: %s has also got %v", what, s.node, rest)
	}
}

func isPing(e Envelope) bool { return e.URI == "/ping" }
