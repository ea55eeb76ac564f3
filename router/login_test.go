package router

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/edge/auth"
	"limegrove/internal/complaint"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/routing"
)

func (w *world) authenticate(scheme auth.Scheme, node, password string) (auth.Grant, error) {
	q := auth.Request{Scheme: scheme, Node: lime.MustParseNode(node)}
	if password != "" {
		q.Credentials = fmt.Appendf(nil, `{"password":%q}`, base64.StdEncoding.EncodeToString([]byte(password)))
	}
	return w.ask(q)
}

// ask asks the router for a login, as an edge does.
func (w *world) ask(q auth.Request) (auth.Grant, error) {
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	return auth.Remote{Ask: func(ctx context.Context, scheme string, question []byte) ([]byte, error) {
		return routing.AskLogin(ctx, w.edgeNATS, scheme, question)
	}}.Authenticate(ctx, q)
}

func (w *world) wantRefused(why string, err error, code lime.Code) {
	w.Helper()
	if r := lime.AsReason(err); r == nil || r.Code != code {
		w.Errorf("%s: got %v, want a reason with %d", why, err, code)
	}
}

func TestAnAccountFromItsMakingToItsLogin(t *testing.T) {
	w := newWorld(t, Config{})
	if g, err := w.authenticate(auth.SchemeGuest, "Ana@t.org/1", ""); err != nil || !g.Guest {
		t.Errorf("the name is free: %+v, %v", g, err)
	}
	_, err := w.authenticate(auth.SchemePlain, "Ana@t.org/1", "secret")
	w.wantRefused("there is no account yet", err, lime.CodeSessionAuthenticationFailed)

	maker, other := w.login("Ana@t.org/1", true), w.login("ana@t.org/2", true)
	password := base64.StdEncoding.EncodeToString([]byte("secret"))
	set := `"from":"Ana@t.org","pp":"Ana@t.org/1","method":"set","uri":"/account","type":"application/vnd.lime.account+json",` +
		`"resource":{"password":"` + password + `","fullName":"Ana"}}`
	maker.ask(`{"id":"1",` + set)
	maker.want("the account is made", "1", success, 0)
	select {
	case why := <-other.ended:
		if why.Code != lime.CodeSessionRegistrationError {
			t.Errorf("a guest of the name ends with %v", why)
		}
	case <-time.After(patience):
		t.Error("a guest of the name goes on")
	}
	select {
	case why := <-maker.ended:
		t.Errorf("who has made it ends with %v", why)
	default:
	}
	maker.ask(`{"id":"2",` + set)
	maker.want("it exists", "2", failure, lime.CodeCommandNotAllowed)

	if g, err := w.authenticate(auth.SchemePlain, "ANA@T.org/1", "secret"); err != nil || g.Guest || g.Identity != (lime.Identity{Name: "ANA", Domain: "T.org"}) {
		t.Errorf("its owner comes in, in the spelling of this login: %+v, %v", g, err)
	}
	_, err = w.authenticate(auth.SchemePlain, "ana@t.org/1", "wrong")
	w.wantRefused("a wrong password", err, lime.CodeSessionAuthenticationFailed)
	if _, err = w.authenticate(auth.SchemeGuest, "ana@t.org/1", ""); err == nil {
		t.Error("a guest took the name of an account")
	}
	owner := w.login("Ana@t.org/3", false)
	owner.ask(`{"id":"3","from":"Ana@t.org/3","method":"get","uri":"/account"}`)
	c := owner.want("the owner asks for it", "3", success, 0)
	if got := string(c.Resource); !strings.Contains(got, `"fullName":"Ana"`) || strings.Contains(got, "assword") { // L-RES-10
		t.Errorf("the account is %s", got)
	}
}

func TestWhatBecomesOfAccountsIsTold(t *testing.T) {
	nc := natstest.Start(t)
	told, err := nc.SubscribeSync("to.org.t.@.rui._account")
	if err != nil {
		t.Fatal(err)
	}
	var there bool
	away := error(nil)
	forgotten := make(chan lime.Identity, 10)
	log := logrus.New()
	log.SetOutput(io.Discard)
	e := newAccountEvents(nc, &complaint.Log{Logger: log}, newUnrepeated(nil), func(context.Context, lime.Identity) (bool, error) { return there, away },
		func(_ context.Context, i lime.Identity) error {
			forgotten <- i
			return nil
		})
	guests := make(chan bool, 2)
	e.guests = func(context.Context, lime.Identity) (bool, error) { return <-guests, nil }
	rui, maker := lime.Identity{Name: "Rui", Domain: "t.org"}, lime.MustParseNode("Rui@t.org/1")
	want := func(why, event string) {
		t.Helper()
		if msg, err := told.NextMsg(patience); err != nil || string(msg.Data) != event {
			t.Errorf("%s: got %v, %v", why, msg, err)
		}
	}
	run := func(queue chan laterEvent) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			e.tell(ctx, queue)
		}()
		return func() {
			cancel()
			<-ended
		}
	}
	atOnce := func(queue chan laterEvent) {
		later := <-queue
		later.at = time.Now() // not to wait for it
		queue <- later
	}

	e.create(rui, maker)
	want("a new account, at once", `{"maker":"Rui@t.org/1"}`)
	atOnce(e.made)
	stop := run(e.made)
	want("and again, for guests who were on their way in", `{"maker":"Rui@t.org/1","guestsOnly":true}`)
	e.create(rui, maker)
	want("another one, at once", `{"maker":"Rui@t.org/1"}`)
	stop() // with one that waits

	e.delete(rui, maker)
	want("a deleted one, at once, but for the session that has asked", `{"spared":"Rui@t.org/1"}`)
	e.deleteAgain(rui)
	atOnce(e.deleted)
	stop = run(e.deleted)
	want("and then that one", `{}`)
	if got := <-forgotten; got != rui {
		t.Errorf("the messages of %v are removed", got)
	}
	guests <- false
	atOnce(e.gone)
	stop()
	stop = run(e.gone)
	want("and for the last time, for who was cut off", `{}`)
	if got := <-forgotten; got != rui {
		t.Errorf("the messages of %v are removed once more", got)
	}
	stop()
	guests <- true // which are not to end, and of which nothing is told below
	e.tellLast(rui)
	atOnce(e.gone)
	stop = run(e.gone)
	if got := <-forgotten; got != rui {
		t.Errorf("the messages of %v are removed though guests have the name", got)
	}
	stop()

	there = true
	e.deleteAgain(rui)
	atOnce(e.deleted)
	if !e.outdated(t.Context(), (<-e.deleted).AccountEvent) {
		t.Error("the sessions of who has made a deleted account again would end")
	}
	away = errors.New("away")
	e.deleteAgain(rui)
	atOnce(e.deleted)
	stop = run(e.deleted)
	want("one of which nobody knows, and none that was made again", `{}`)
	stop()
	if n, _, err := told.Pending(); n != 0 || err != nil {
		t.Errorf("%d more were told, %v", n, err)
	}
}

func TestWhoDeletesAnAccountHasTheAnswerAndThenNoSession(t *testing.T) {
	w := newWorld(t, Config{})
	password := base64.StdEncoding.EncodeToString([]byte("secret"))
	maker := w.login("rui@t.org/1", true)
	maker.ask(`{"id":"1","from":"rui@t.org","pp":"rui@t.org/1","method":"set","uri":"/account",` +
		`"type":"application/vnd.lime.account+json","resource":{"password":"` + password + `"}}`)
	maker.want("the account is made", "1", success, 0)
	owner, spy := w.login("rui@t.org/2", false), w.login("rui@t.org/3", false)
	owner.ask(`{"id":"2","from":"rui@t.org/2","method":"delete","uri":"/account"}`)
	owner.want("it is deleted", "2", success, 0)
	for _, s := range []*session{owner, spy} {
		select {
		case why := <-s.ended:
			if why.Code != lime.CodeSessionRegistrationError {
				t.Errorf("a session of it ends with %v", why)
			}
		case <-time.After(patience):
			t.Error("a session of it goes on, and would belong to the next who takes the name")
		}
	}
}

func TestALoginThatCannotBeReadFails(t *testing.T) {
	w := newWorld(t, Config{})
	for _, question := range []string{"", "no JSON", `{"node":7}`, `{"scheme":"plain"}`, `{"scheme":"key","node":"ana@t.org"}`, `{}`} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		text, err := routing.AskLogin(ctx, w.edgeNATS, "plain", []byte(question))
		cancel()
		var a auth.Answer
		if err != nil || json.Unmarshal(text, &a) != nil || a.Reason == nil {
			t.Errorf("%q is answered by %s, %v; want a reason", question, text, err)
		}
	}
}

func TestWhenTheStoreIsAwayALoginSaysSo(t *testing.T) {
	w := newWorld(t, Config{})
	text := func() []byte {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return w.router.logins.answer(ctx, []byte(`{"scheme":"guest","node":"ana@t.org/1"}`))
	}()
	var a auth.Answer
	if err := json.Unmarshal(text, &a); err != nil || a.Reason == nil || a.Reason.Code != lime.CodeSessionError {
		t.Errorf("answered by %s, %v; want 11, and no word of ours", text, err)
	}
	if !a.Fault {
		t.Error("it does not say that it is the cluster's fault")
	}
	refusal := w.router.logins.answer(t.Context(), []byte(`{"scheme":"plain","node":"ana@t.org/1","authentication":{"password":"eA=="}}`))
	if a = (auth.Answer{}); json.Unmarshal(refusal, &a) != nil || a.Reason == nil || a.Fault {
		t.Errorf("who has no account is answered by %s; want a refusal", refusal)
	}
}
