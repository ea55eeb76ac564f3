package router

import (
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
