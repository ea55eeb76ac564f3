package sweep

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// With a real broker a guest's message is given back and deleted before JetStream
// expires it, and its sender has the news once.
func TestGuestsMessageIsGivenBackBeforeJetStreamExpiresIt(t *testing.T) {
	nc := natstest.Start(t)
	s, err := stream.Open(t.Context(), stream.Config{NATS: nc})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	told, err := nc.SubscribeSync("to.t.@.ana.1") // as ana's edge does
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*nats.Msg{
		{Subject: "log.0.t.@.rui._", Data: []byte(message("m1")), Header: nats.Header{stream.LifetimeHeader: {"2"}}},
		{Subject: "log.0.t.@.rui._", Data: []byte(message("m2"))},
	} {
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		New(Config{
			Streams: s, Registry: &redis{floors: map[lime.Identity]presence.Floor{}}, Router: "inc-r", ID: "r",
			GuestLifetime: 2 * time.Second, Delay: time.Nanosecond, Every: 10 * time.Millisecond, Wary: time.Nanosecond,
		}).Run(ctx)
	}()
	msg, err := told.NextMsg(30 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	n, err := lime.DecodeNotification(msg.Data)
	if err != nil || n.ID != "m1" || n.Event != lime.EventFailed || n.Reason.Code != lime.CodeRoutingError {
		t.Errorf("the sender is told %s (%v)", msg.Data, err)
	}
	for left := 2; left != 1; {
		page, err := s.ReadInbox(t.Context(), 0, "inbox.0.t.@.rui._", 0, 10, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if left = len(page.Messages); left == 0 || string(page.Messages[left-1].Data) != message("m2") {
			t.Fatalf("there wait %+v, want m2", page.Messages)
		}
	}
	cancel()
	<-ended
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	more, _, err := told.Pending()
	if err != nil || more > 1 {
		t.Fatalf("it is told %d more (%v)", more, err)
	}
	for range more {
		m, err := told.NextMsg(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		// The sweep may have come by what it has stored, and moved it: that is the same news.
		if m.Header.Get(nats.JSStream) != subject.InboxStream(0) || string(m.Data) != string(msg.Data) {
			t.Errorf("it is told %s as well", m.Data)
		}
	}
}
