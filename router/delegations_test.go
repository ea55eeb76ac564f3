package router

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus"

	"limegrove/delegation"
	"limegrove/internal/complaint"
	"limegrove/internal/natstest"
	"limegrove/lime"
)

// may tells whether a session may send a message for an owner.
func (s *session) may(owner string) bool {
	v, err := lime.ParseNodeView([]byte(owner))
	if err != nil {
		s.w.Fatal(err)
	}
	return s.MayActFor(v, &lime.Header{Kind: lime.KindMessage, Type: []byte("text/plain")})
}

func TestADelegationFromItsOwnerToTheSessionsOfItsTarget(t *testing.T) { // L-MSG-03, L-CMD-14
	w := newWorld(t, Config{})
	ana, rui, lia := w.login("ana@t.org/1", false), w.login("Rui@t.org/1", false), w.login("lia@t.org/1", false)
	const set = `"method":"set","uri":"/delegations","type":"application/vnd.lime.delegation+json","resource":`
	n := 0
	asks := func(s *session, why, command string, code lime.Code) *lime.Command {
		t.Helper()
		n++
		id, status := fmt.Sprint(n), success
		if code != 0 {
			status = failure
		}
		s.ask(`{"id":"` + id + `",` + command + `}`)
		return s.want(why, id, status, code)
	}
	own := func(s *session) string { return `"from":"` + s.Node().String() + `",` }
	inHerName := `"from":"ana@t.org","pp":"Rui@t.org/1",`
	asks(ana, "a contact", own(ana)+`"method":"set","uri":"/contacts","type":"application/vnd.lime.contact+json","resource":{"identity":"bia"}`, 0)

	asks(rui, "before", inHerName+`"method":"get","uri":"/contacts"`, 35)
	asks(ana, "she gives it", own(ana)+set+`{"target":"rui@t.org","commands":[{"method":"get"}]}`, 0)
	w.eventually("the session hears of it", func() bool { return rui.may("ana@t.org") })
	if lia.may("ana@t.org") || rui.may("bia@t.org") {
		t.Error("so do others")
	}
	asks(rui, "her contacts", inHerName+`"method":"get","uri":"/contacts/bia"`, 0)
	asks(rui, "by their own URI", own(rui)+`"method":"get","uri":"lime://ana@t.org/contacts/bia"`, 0)
	asks(rui, "to change them", inHerName+`"method":"delete","uri":"/contacts/bia"`, 35)
	asks(rui, "to give it on", inHerName+set+`{"target":"lia"}`, 35)
	asks(lia, "somebody else", `"from":"ana@t.org","pp":"lia@t.org/1","method":"get","uri":"/contacts/bia"`, 35)

	asks(ana, "she takes it back", own(ana)+`"method":"delete","uri":"/delegations/RUI@t.org"`, 0)
	w.eventually("the session hears of it", func() bool { return !rui.may("ana@t.org") })
	asks(rui, "after", inHerName+`"method":"get","uri":"/contacts/bia"`, 35)
	asks(ana, "again", own(ana)+`"method":"delete","uri":"/delegations/rui"`, 67)
}

func TestAChangeOfADelegationIsToldTwice(t *testing.T) {
	server := natstest.New(t)
	nc := server.Connect()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	told, err := nc.SubscribeSync("to.org.t.@.rui._delegation")
	if err != nil {
		t.Fatal(err)
	}
	store, err := delegation.Open(t.Context(), delegation.Config{JetStream: js})
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	d := newDelegations(store, nc, &complaint.Log{Logger: log}, newUnrepeated(nil))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.again.run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	ana := lime.MustParseIdentity("ana@t.org")
	if err := d.Delegate(t.Context(), ana, lime.Delegation{Target: lime.MustParseNode("rui@t.org/1")}); err != nil {
		t.Fatal(err)
	}
	if err := d.forget(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var texts []string
	for range 4 {
		msg, err := told.NextMsg(patience)
		if err != nil {
			t.Fatalf("%v after %q", err, texts)
		}
		texts = append(texts, string(msg.Data))
	}
	if texts[0] != texts[2] || texts[1] != texts[3] || texts[0] == texts[1] || time.Since(began) < delegatedAgain/2 {
		t.Errorf("told within %v: %q", time.Since(began), texts)
	}
}
