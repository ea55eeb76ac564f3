package router

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus"

	"limegrove/account"
	"limegrove/internal/complaint"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/resource"
	"limegrove/roster"
)

func TestAChangeOfWhoMaySendIsToldTwice(t *testing.T) {
	nc := natstest.New(t).Connect()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := account.Open(t.Context(), account.Config{JetStream: js})
	if err != nil {
		t.Fatal(err)
	}
	told, err := nc.SubscribeSync("to.org.t.@.rui._policy")
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	changed := newPolicies(nc, &complaint.Log{Logger: log}, newUnrepeated(nil))
	store := accountStore{Store: accounts, policies: changed}
	rui := lime.MustParseIdentity("Rui@t.org")
	if err := accounts.Create(t.Context(), account.Account{Identity: rui}, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	set := func(name, value string) error {
		return store.Update(t.Context(), rui, resource.Secrets{}, func(a *resource.Account) error {
			a.Properties = map[string]json.RawMessage{name: json.RawMessage(value)}
			return nil
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		changed.again.run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	wantTold := func(why string, n int) {
		t.Helper()
		for range n {
			if _, err := told.NextMsg(patience); err != nil {
				t.Fatalf("%s: %v", why, err)
			}
		}
		if m, err := told.NextMsg(50 * time.Millisecond); !errors.Is(err, nats.ErrTimeout) {
			t.Fatalf("%s: it is also told %v, %v", why, m, err)
		}
	}
	for _, change := range [][2]string{{"fullName", `"Rui"`}, {"allowUnknownSender", "true"}, {"inboxSize", "0"}} {
		if err := set(change[0], change[1]); err != nil {
			t.Fatal(err)
		}
	}
	wantTold("what says nothing of it", 0)
	began := time.Now()
	if err := set("allowUnknownSender", "false"); err != nil {
		t.Fatal(err)
	}
	wantTold("now and again", 2)
	if took := time.Since(began); took < policyAgain/2 {
		t.Errorf("it is told again after %v", took)
	}
	a := resource.Account{Identity: lime.MustParseIdentity("ana@t.org"), Properties: map[string]json.RawMessage{"allowUnknownSender": json.RawMessage("false")}}
	toldOfAna, err := nc.SubscribeSync("to.org.t.@.ana._policy")
	if err != nil {
		t.Fatal(err)
	}
	store.events = newAccountEvents(nc, changed.warn, newUnrepeated(nil), nil, func(context.Context, lime.Identity) error { return nil })
	if err := store.Create(t.Context(), a, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if _, err := toldOfAna.NextMsg(patience); err != nil {
		t.Errorf("an account is made with a policy: %v", err)
	}
	away := errors.New("no")
	err = store.Update(t.Context(), rui, resource.Secrets{}, func(a *resource.Account) error {
		a.Properties = nil
		return away
	})
	if !errors.Is(err, away) {
		t.Error(err)
	}
	wantTold("what is not changed", 0)
}

func TestWhoPutsAnAccountIntoAGroup(t *testing.T) {
	js := natstest.JetStream(t)
	accounts, err := account.Open(t.Context(), account.Config{JetStream: js})
	if err != nil {
		t.Fatal(err)
	}
	people, err := roster.Open(t.Context(), roster.Config{JetStream: js})
	if err != nil {
		t.Fatal(err)
	}
	lia, rui, ana := lime.MustParseIdentity("lia@t.org"), lime.MustParseIdentity("rui@t.org"), lime.MustParseIdentity("ana@t.org")
	if err := accounts.Create(t.Context(), account.Account{Identity: lia}, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if err := people.ChangeContact(t.Context(), lia, rui, func(*lime.Contact) (lime.Contact, error) {
		return lime.Contact{Identity: rui}, nil
	}); err != nil {
		t.Fatal(err)
	}
	wantTakes := func(why string, by lime.Identity, want bool) {
		t.Helper()
		if got, err := invites(accounts, people)(t.Context(), lia, by); err != nil || got != want {
			t.Errorf("%s: %s may: %t, %v", why, by, got, err)
		}
	}
	wantTakes("she says nothing", ana, true)
	if err := accounts.UpdateAll(t.Context(), lia, nil, nil, func(a *account.Account) error {
		a.Properties = map[string]json.RawMessage{"allowUnknownSender": json.RawMessage("false")}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	wantTakes("contacts alone", ana, false)
	wantTakes("contacts alone", rui, true)
	wantTakes("contacts alone", lime.MustParseIdentity("eve@t.org"), false)
	if _, err := invites(accounts, people)(t.Context(), ana, rui); err == nil {
		t.Error("there is no account, and nobody says so")
	}
}
