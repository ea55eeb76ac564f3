package router

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/account"
	"limegrove/lime"
)

// tell asks something in a session's own name.
func (s *session) tell(why, id, command string, code lime.Code) {
	s.w.Helper()
	status := success
	if code != 0 {
		status = failure
	}
	s.ask(fmt.Sprintf(`{"id":%q,"from":%q,%s}`, id, s.Node(), command))
	s.want(why, id, status, code)
}

const (
	toRui      = `"method":"set","uri":"/delegations","type":"application/vnd.lime.delegation+json","resource":{"target":"rui@t.org"}`
	bia        = `"method":"set","uri":"/contacts","type":"application/vnd.lime.contact+json","resource":{"identity":"bia"}`
	getBia     = `"method":"get","uri":"/contacts/bia"`
	getAnasBia = `"method":"get","uri":"lime://ana@t.org/contacts/bia"`
)

// leaveAna makes an account of Ana's with all that the next owner of her name must not have,
// and deletes it. One of her sessions goes on for a moment, and stores more.
func (w *world) leaveAna() (rui *session) {
	w.Helper()
	ana, rui := w.registered("ana@t.org/1"), w.login("rui@t.org/1", false)
	ana.tell("a contact", "1", bia, 0)
	ana.tell("a delegation", "2", toRui, 0)
	rui.tell("what she lets him", "3", getAnasBia, 0)
	w.eventually("his session hears of it", func() bool { return rui.may("ana@t.org") })
	ana.tell("her account is deleted", "4", `"method":"delete","uri":"/account"`, 0)
	rui.tell("nothing is his any more", "5", getAnasBia, 35)
	w.eventually("his session hears of that", func() bool { return !rui.may("ana@t.org") })
	ana.tell("a session of hers stores a contact", "6", bia, 0)
	ana.tell("and a delegation", "7", toRui, 0)
	return rui
}

func (w *world) wantNothingOfAnas(rui *session) {
	w.Helper()
	w.login("ana@t.org/new", false).tell("the earlier one's contact", "8", getBia, 67)
	rui.tell("what the earlier one let him", "9", getAnasBia, 35)
	w.eventually("his session hears of it", func() bool { return !rui.may("ana@t.org") })
}

func TestTheNextOwnerOfANameHasNothingOfTheOneBefore(t *testing.T) {
	var removed atomic.Int32
	w := newWorld(t, Config{Forget: func(_ context.Context, i lime.Identity) error {
		if i.EqualFold(lime.MustParseIdentity("ana@t.org")) {
			removed.Add(1)
		}
		return nil
	}})
	rui := w.leaveAna()
	before := removed.Load()
	if before < 2 { // for the account that she made first, and for its deletion
		t.Errorf("messages were removed %d times by the answer to a deletion", before)
	}
	w.registered("Ana@t.org/2")
	if removed.Load() == before {
		t.Error("the messages of the earlier one wait for the next")
	}
	w.wantNothingOfAnas(rui)
}

func TestAnAccountThatALoginMakesHasNothingOfTheOneBefore(t *testing.T) { // L-SES-13
	w := newWorld(t, Config{})
	rui := w.leaveAna()
	js, err := jetstream.New(w.edgeNATS)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := account.Open(t.Context(), account.Config{JetStream: js})
	if err != nil {
		t.Fatal(err)
	}
	if err := (owners{accounts, w.router.events}).Own(t.Context(), lime.MustParseNode("ana@t.org/new"), false); err != nil {
		t.Fatal(err)
	}
	w.wantNothingOfAnas(rui)
}

// Otherwise whoever asks again gets 66, and then has what could not be removed.
func TestAnAccountWhoseNameCannotBeHadCleanIsNotMade(t *testing.T) {
	var away atomic.Bool
	away.Store(true)
	w := newWorld(t, Config{Forget: func(context.Context, lime.Identity) error {
		if away.Load() {
			return errors.New("away")
		}
		return nil
	}})
	guest := w.login("guest@t.org/1", true)
	register := func(why, id string, status lime.CommandStatus, code lime.Code) {
		t.Helper()
		guest.ask(fmt.Sprintf(`{"id":%q,"from":"ana@t.org","pp":"guest@t.org/1","method":"set","uri":"/account",`+
			`"type":"application/vnd.lime.account+json","resource":{"password":%q}}`, id, base64.StdEncoding.EncodeToString([]byte("secret"))))
		guest.want(why, id, status, code)
	}
	register("what is stored cannot be removed", "1", failure, lime.CodeCommandProcessingError)
	away.Store(false)
	register("now it can", "2", success, 0)
}
