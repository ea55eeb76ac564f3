package router

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/edge/auth"
	"limegrove/internal/complaint"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/routing"
)

// keyLogin asks for a login by key.
func (w *world) keyLogin(node, key string) (auth.Grant, error) {
	return w.ask(auth.Request{
		Scheme: auth.SchemeKey, Node: lime.MustParseNode(node), Credentials: fmt.Appendf(nil, `{"key":%q}`, key),
	})
}

// registered makes an account with the password "secret", and is a session of it.
func (w *world) registered(node string) *session {
	w.Helper()
	n := lime.MustParseNode(node)
	maker := w.login("maker@t.org/"+n.Instance, true)
	maker.ask(fmt.Sprintf(`{"id":"0","from":%q,"pp":%q,"method":"set","uri":"/account",`+
		`"type":"application/vnd.lime.account+json","resource":{"password":%q}}`,
		n.Identity, maker.Node(), base64.StdEncoding.EncodeToString([]byte("secret"))))
	maker.want("an account is made", "0", success, 0)
	maker.Leave()
	return w.login(node, false)
}

// newKey makes a key.
func (s *session) newKey(name string) (key string) {
	s.w.Helper()
	s.ask(fmt.Sprintf(`{"id":"key","from":%q,"method":"set","uri":"/account/keys",`+
		`"type":"application/json","resource":{"name":%q}}`, s.Node(), name))
	made := s.want("a key is made", "key", success, 0)
	var k struct{ Name, Key string }
	if err := json.Unmarshal(made.Resource, &k); err != nil || k.Name != name || k.Key == "" {
		s.w.Fatalf("the key is %s", made.Resource)
	}
	return k.Key
}

func TestRevokedKeyEndsTheSessionsThatItHasLetIn(t *testing.T) { // L-SES-13, L-SES-15
	w := newWorld(t, Config{})
	owner := w.registered("Ana@t.org/1")
	bot, other := owner.newKey("bot"), owner.newKey("other")

	var in []*session
	for i, key := range []string{bot, bot, other} {
		node := fmt.Sprintf("ana@t.org/bot-%d", i)
		g, err := w.keyLogin(node, key)
		if err != nil || g.Guest || g.Role != lime.RoleMember || g.Credential == "" {
			t.Fatalf("%s: %+v, %v", node, g, err)
		}
		in = append(in, w.arrive(routing.Arrival{Node: lime.MustParseNode(node), Session: node, Credential: g.Credential}))
	}
	_, err := w.keyLogin("rui@t.org/1", bot)
	w.wantRefused("somebody else with that key", err, lime.CodeSessionAuthenticationFailed)

	in[0].ask(`{"id":"gone","from":"ana@t.org/bot-0","method":"delete","uri":"/account/keys/BOT"}`)
	in[0].want("a session by that key revokes it, and hears so", "gone", success, 0)
	_, err = w.keyLogin("ana@t.org/1", bot)
	w.wantRefused("a login by a revoked key", err, lime.CodeSessionAuthenticationFailed)
	for _, s := range in[:2] {
		select {
		case why := <-s.ended:
			if why.Code != lime.CodeSessionAuthenticationFailed {
				t.Errorf("%s ends with %v", s.Node(), why)
			}
		case <-time.After(patience):
			t.Errorf("%s goes on", s.Node())
		}
	}
	for _, s := range []*session{owner, in[2]} {
		s.ask(fmt.Sprintf(`{"id":"ping","from":%q,"method":"get","uri":"/ping"}`, s.Node()))
		s.want("the others go on", "ping", success, 0)
		select {
		case why := <-s.ended:
			t.Errorf("%s ends with %v", s.Node(), why)
		default:
		}
	}
	if _, err := w.keyLogin("ana@t.org/1", other); err != nil {
		t.Errorf("the other key: %v", err)
	}
}

func TestRevocationIsToldAgainForThoseOnTheirWayIn(t *testing.T) {
	nc := natstest.Start(t)
	told, err := nc.SubscribeSync("to.org.t.@.ana._account")
	if err != nil {
		t.Fatal(err)
	}
	e := newAccountEvents(nc, &complaint.Log{Logger: logrus.New()}, newUnrepeated(nil), nil, nil)
	e.revoke(lime.MustParseIdentity("Ana@t.org"), "k", lime.MustParseNode("rui@t.org/1"))
	if msg, err := told.NextMsg(patience); err != nil || string(msg.Data) != `{"revoked":"k"}` {
		t.Errorf("at once: got %v, %v", msg, err)
	}
	for _, queue := range []chan laterEvent{e.revoked, e.again} {
		later := <-queue
		later.at = time.Now() // not to wait for it
		queue <- later
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			e.tell(ctx, queue)
		}()
		if msg, err := told.NextMsg(patience); err != nil || string(msg.Data) != `{"revoked":"k"}` {
			t.Errorf("got %v, %v", msg, err)
		}
		cancel()
		<-ended
	}
}
