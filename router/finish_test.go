package router

import (
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/routing"
)

// A router that ends may be the only one that knows whose sessions are to end.
func TestWhatARouterHasToTellIsToldBeforeItEnds(t *testing.T) {
	w := newWorld(t, Config{})
	owner := w.registered("Ana@t.org/1")
	key := owner.newKey("bot")
	g, err := w.keyLogin("ana@t.org/bot", key)
	if err != nil {
		t.Fatal(err)
	}
	bot := w.arrive(routing.Arrival{Node: lime.MustParseNode("ana@t.org/bot"), Session: "bot", Credential: g.Credential})
	gone := w.registered("Rui@t.org/1")
	owner.ask(`{"id":"1","from":"ana@t.org/1","method":"delete","uri":"/account/keys/bot"}`)
	owner.want("the key is revoked", "1", success, 0)
	gone.ask(`{"id":"1","from":"rui@t.org/1","method":"delete","uri":"/account"}`)
	gone.want("the account is deleted", "1", success, 0)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	for s, code := range map[*session]lime.Code{bot: lime.CodeSessionAuthenticationFailed, gone: lime.CodeSessionRegistrationError} {
		select {
		case why := <-s.ended:
			if why.Code != code {
				t.Errorf("%s ends with %v", s.Node(), why)
			}
		case <-time.After(patience):
			t.Errorf("%s goes on", s.Node())
		}
	}
}

// A router may die as soon as the command is answered.
func TestEdgesAreToldBeforeTheAnswer(t *testing.T) {
	w := newWorld(t, Config{})
	owner := w.registered("Ana@t.org/1")
	key := owner.newKey("bot")
	if _, err := w.keyLogin("ana@t.org/bot", key); err != nil {
		t.Fatal(err)
	}
	// Both come by one connection of the router's to one of ours, in their order.
	all, err := w.edgeNATS.SubscribeSync(">")
	if err != nil {
		t.Fatal(err)
	}
	w.flush(w.edgeNATS)
	for _, ask := range []string{
		`{"id":"1","from":"Ana@t.org/1","method":"delete","uri":"/account/keys/bot"}`,
		`{"id":"2","from":"Ana@t.org/1","method":"delete","uri":"/account"}`,
	} {
		owner.ask(ask)
		for told := false; ; {
			msg, err := all.NextMsg(patience)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(msg.Subject, "._account") {
				if told = true; !strings.Contains(string(msg.Data), `"spared":"Ana@t.org/1"`) {
					t.Errorf("%s: told %s, which does not spare who asks", ask, msg.Data)
				}
			}
			if strings.Contains(string(msg.Data), `"status":"success"`) {
				if !told {
					t.Errorf("%s is answered first", ask)
				}
				break
			}
		}
	}
}
