package e2e

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"limegrove/lime"
)

var commandScenarios = []scenario{
	{"a command goes to the other client and its answer back", commandToOtherClient},
	{"the server answers pings and refuses what it does not know", commandsToServer},
	{"each of many commands at once gets its own answer", manyCommandsAtOnce},
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

// L-CMD-09. They are answered by the edge, by routers and by nobody.
func manyCommandsAtOnce(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	wants := []struct {
		uri, to string
		code    lime.Code // 0 for success
	}{
		{uri: "/nope", code: lime.CodeCommandResourceNotSupported},
		{uri: "/ping"},
		{uri: "/account", code: lime.CodeCommandResourceNotFound},
		{uri: "/x", to: s.name("nobody") + "@" + domain + "/x", code: lime.CodeRoutingDestinationNotFound},
		{uri: "/receipt"},
	}
	var calls errgroup.Group
	for i := range 8 * len(wants) {
		calls.Go(func() error {
			want := wants[i%len(wants)]
			e := Envelope{ID: fmt.Sprintf("many-%d", i), Method: methodGet, URI: want.uri, To: want.to}
			answer, err := ana.client.Call(e)
			if err == nil && (answer.ID != e.ID || want.code == 0 && answer.Status != "success" || want.code != 0 && !answer.failedFor(want.code)) {
				err = fmt.Errorf("%s gets %s", e, answer)
			}
			return err
		})
	}
	if err := calls.Wait(); err != nil {
		t.Error(err)
	}
}
