package e2e

import (
	"testing"

	"limegrove/lime"
)

var commandScenarios = []scenario{
	{"a command goes to the other client and its answer back", commandToOtherClient},
	{"the server answers pings and refuses what it does not know", commandsToServer},
}

const pingType = "application/vnd.lime.ping+json"

// L-CMD-01, L-CMD-11.
func commandToOtherClient(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	rui := s.guest(t, s.there, "rui", "desk")

	// The other client answers by hand, so ana cannot wait in a call.
	ana.send(Envelope{ID: "c-1", Method: methodGet, URI: "/greeting", To: rui.node})
	asked := rui.want("the command", func(e Envelope) bool { return e.URI == "/greeting" })
	if asked.From != ana.node || asked.To != rui.node || asked.ID != "c-1" || asked.Method != methodGet {
		t.Errorf("it arrived as %s", asked)
	}
	rui.send(Envelope{
		ID: asked.ID, To: asked.From, Method: methodGet, Status: "success", Type: "text/plain", Resource: "bom dia",
	})
	answer := ana.want("the response", func(e Envelope) bool { return e.Status == "success" })
	if answer.ID != "c-1" || answer.From != rui.node || answer.Resource != "bom dia" {
		t.Errorf("it arrived as %s", answer)
	}
}

// L-CMD-05, L-CMD-10, L-CMD-04.
func commandsToServer(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	for _, to := range []string{"", ana.server, "postmaster@" + domain} {
		pong := ana.call(Envelope{Method: methodGet, URI: "/ping", To: to})
		if pong.Status != "success" || pong.Type != pingType {
			t.Errorf("a ping to %q gets %s", to, pong)
		}
	}
	if answer := ana.get("/nope"); !answer.failedFor(lime.CodeCommandResourceNotSupported) {
		t.Errorf("an unknown resource gets %s", answer)
	}
	if answer := ana.get("/account"); !answer.failedFor(lime.CodeCommandResourceNotFound) {
		t.Errorf("a guest's account gets %s", answer)
	}
}
