package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus"

	"limegrove/account"
	"limegrove/edge/auth"
	"limegrove/grant"
	"limegrove/internal/complaint"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing"
)

// account makes an account behind the router's back.
func (w *world) account(identity string) {
	w.Helper()
	js, err := jetstream.New(w.edgeNATS)
	if err != nil {
		w.Fatal(err)
	}
	accounts, err := account.Open(w.Context(), account.Config{JetStream: js})
	if err != nil {
		w.Fatal(err)
	}
	if err := accounts.Create(w.Context(), account.Account{Identity: lime.MustParseIdentity(identity)}, []byte("secret")); err != nil {
		w.Fatal(err)
	}
}

// told waits for what a session is told of its grants.
func (s *session) told(why string, rules int) room.Grants {
	s.w.Helper()
	select {
	case g := <-s.granted:
		if len(g.Rules) != rules || g.Revision == 0 {
			s.w.Errorf("%s: %+v, want %d rules", why, g, rules)
		}
		return g
	case <-time.After(patience):
		s.w.Fatalf("%s: nothing is told", why)
		return room.Grants{}
	}
}

func TestGrantsFromAnAuthorityToTheSessionsOfTheirOwner(t *testing.T) {
	w := newWorld(t, Config{})
	w.account("Ana@t.org")
	gw := w.arrive(routing.Arrival{Node: lime.MustParseNode("gw@t.org/1"), Session: "gw", Role: lime.RoleAuthority})
	ana := w.login("Ana@t.org/1", false)
	n := 0
	asks := func(s *session, why, command string, code lime.Code) *lime.Command {
		t.Helper()
		n++
		id, status := fmt.Sprint(n), success
		if code != 0 {
			status = failure
		}
		s.ask(`{"id":"` + id + `","from":"` + s.Node().String() + `",` + command + `}`)
		return s.want(why, id, status, code)
	}
	login := func(why string, rules int) room.Grants {
		t.Helper()
		g, err := w.authenticate(auth.SchemePlain, "ana@t.org/2", "secret")
		if err != nil || len(g.Granted.Rules) != rules {
			t.Errorf("%s: a login brings %+v, %v", why, g, err)
		}
		return g.Granted
	}
	const set = `"method":"set","type":"application/vnd.limegrove.room-grants+json","resource":{"rooms":[{"room":"/ride/42","may":["enter"]}]},"uri":`
	login("before", 0)
	asks(ana, "her own", set+`"/room-grants"`, 35)
	asks(gw, "of nobody", set+`"lime://nobody@t.org/room-grants"`, 67)
	asks(gw, "of another domain", set+`"lime://ana@example.org/room-grants"`, 35)
	asks(gw, "she is granted it", set+`"lime://ana@t.org/room-grants"`, 0)
	first := ana.told("in session", 1)
	if again := login("it is kept", 1); again.Revision != first.Revision {
		t.Errorf("the login has %+v, and the session %+v", again, first)
	}
	if g, err := w.authenticate(auth.SchemeGuest, "eve@t.org/2", ""); err != nil || g.Granted.Rules != nil {
		t.Errorf("a guest has %+v, %v", g, err)
	}
	if got := string(asks(ana, "she may look", `"method":"get","uri":"/room-grants"`, 0).Resource); got != `{"rooms":[{"room":"/ride/42","may":["enter"]}]}` {
		t.Errorf("she is shown %s", got)
	}
	asks(gw, "it is taken back", `"method":"delete","uri":"lime://ana@t.org/room-grants"`, 0)
	for g := first; g.Revision == first.Revision; { // it may be told again first
		select {
		case g = <-ana.granted:
			if g.Revision != first.Revision && (g.Revision < first.Revision || g.Rules != nil) {
				t.Errorf("taken back: %+v after %+v", g, first)
			}
		case <-time.After(patience):
			t.Fatal("taken back: nothing is told")
		}
	}
	login("after", 0)
	asks(gw, "twice", `"method":"delete","uri":"lime://ana@t.org/room-grants"`, 67)

	asks(gw, "once more", set+`"lime://ana@t.org/room-grants"`, 0)
	login("once more", 1)
	asks(ana, "she goes", `"method":"delete","uri":"/account"`, 0)
	w.account("ana@t.org")
	if g := login("the next owner of the name", 0); g.Revision != 0 {
		t.Errorf("something is left: %+v", g)
	}
}

func TestALoginWhoseGrantsCannotBeReadIsAFault(t *testing.T) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	l := newLogins(log, &complaint.Log{Logger: log}, nil, auth.Schemes{}, func(context.Context, lime.Identity) (room.Grants, error) {
		return room.Grants{}, errors.New("no leader")
	})
	for guest, fault := range map[bool]bool{true: false, false: true} {
		l.use(only(granting{auth.Grant{Identity: lime.MustParseIdentity("ana@t.org"), Guest: guest}}))
		var a auth.Answer
		text := l.answer(t.Context(), question(t))
		if err := json.Unmarshal(text, &a); err != nil || a.Fault != fault || (a.Reason != nil) != fault || fault != a.Identity.IsZero() {
			t.Errorf("a guest: %t: %s, %v", guest, text, err)
		}
	}
}

// granting is an Authenticator that lets everybody in.
type granting struct{ grant auth.Grant }

func (g granting) Authenticate(context.Context, auth.Request) (auth.Grant, error) {
	return g.grant, nil
}

func TestAChangeOfGrantsIsToldThreeTimes(t *testing.T) {
	nc := natstest.New(t).Connect()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	told, err := nc.SubscribeSync("to.org.t.@.ana._granted")
	if err != nil {
		t.Fatal(err)
	}
	store, err := grant.Open(t.Context(), grant.Config{JetStream: js})
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	g := newGrants(store, nc, &complaint.Log{Logger: log}, newUnrepeated(nil))
	g.again.after, g.last.after = 50*time.Millisecond, 100*time.Millisecond
	ana := lime.MustParseIdentity("Ana@t.org")
	next := func(why string, rules int) room.Grants {
		t.Helper()
		var now room.Grants
		msg, err := told.NextMsg(patience)
		if err == nil {
			err = json.Unmarshal(msg.Data, &now)
		}
		if err != nil || len(now.Rules) != rules || now.Revision == 0 {
			t.Fatalf("%s: %+v, %v", why, now, err)
		}
		return now
	}
	if err := g.Grant(t.Context(), ana, room.Rules{{Room: "/x", Who: room.Everyone, May: room.Enter}}); err != nil {
		t.Fatal(err)
	}
	set := next("at once", 1)
	if err := g.Revoke(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	revoked := next("at once", 0)
	if err := g.forget(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	forgotten := next("at once", 0)
	if !(set.Revision < revoked.Revision && revoked.Revision < forgotten.Revision) {
		t.Errorf("the revisions are %d, %d and %d", set.Revision, revoked.Revision, forgotten.Revision)
	}
	if err := g.forget(t.Context(), ana); err != nil { // nothing is there, and nothing told
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{}, 2)
	for _, r := range []*repeats[regranted]{g.again, g.last} {
		go func() {
			r.run(ctx)
			ended <- struct{}{}
		}()
	}
	defer func() {
		cancel()
		<-ended
		<-ended
	}()
	for range 2 {
		if got := next("again", 0); got.Revision != forgotten.Revision {
			t.Errorf("of what is there no more %+v is told again", got)
		}
	}
	if err := g.Grant(t.Context(), ana, room.Rules{{Room: "/x", Who: room.Everyone, May: room.Enter}}); err != nil {
		t.Fatal(err)
	}
	for _, why := range []string{"at once", "again", "for the last time"} {
		if got := next(why, 1); got.Revision <= forgotten.Revision {
			t.Errorf("%s: %+v", why, got)
		}
	}
}
