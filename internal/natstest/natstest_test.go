package natstest_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"limegrove/internal/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConnectionsOfOneServerReachEachOther(t *testing.T) {
	s := natstest.New(t)
	ana, rui := s.Connect(), s.Connect()

	sub, err := rui.SubscribeSync("greet")
	if err != nil {
		t.Fatal(err)
	}
	if err := rui.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := ana.Publish("greet", []byte("olá")); err != nil {
		t.Fatal(err)
	}
	m, err := sub.NextMsg(5 * time.Second)
	if err != nil || string(m.Data) != "olá" {
		t.Fatalf("got %v, %v", m, err)
	}
}

func TestStreamsAreTheTestsOwn(t *testing.T) {
	for range 2 {
		js := natstest.JetStream(t)
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
		if err != nil {
			t.Fatal(err)
		}
		ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "s"})
		if err != nil || ack.Sequence != 1 {
			t.Fatalf("stored as %v, %v, want the first message of a new stream", ack, err)
		}
	}
}

func TestClusterReplicatesStreams(t *testing.T) {
	c := natstest.Cluster(t, 3)
	js, err := jetstream.New(c.Connect())
	if err != nil {
		t.Fatal(err)
	}
	cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 3}
	if _, err := js.CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", nil); err != nil {
		t.Fatal(err)
	}
	if c.Leader("S") == nil {
		t.Fatal("a stream that takes messages has no leader")
	}
}

func TestAccountsShareNothingButServers(t *testing.T) {
	one, three := natstest.New(t), natstest.Cluster(t, 3)
	for _, name := range []string{"one's own", "another's own"} {
		t.Run(name, func(t *testing.T) {
			wantFirst(t, one.Account(t).Connect(), 1)
			c := three.Account(t)
			for _, member := range c.Members { // one of which leads
				wantFirst(t, member.Connect(), 3)
			}
			if c.Leader("S") == nil || three.Leader("S") != nil {
				t.Fatal("nobody leads the stream, or an account has another's")
			}
		})
	}
}

// wantFirst has the stream store its first message, or say that it has it.
func wantFirst(t *testing.T, nc *nats.Conn, replicas int) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: replicas}
	if _, err := js.CreateOrUpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "s", Header: nats.Header{jetstream.MsgIDHeader: {"first"}}})
	if err != nil || ack.Sequence != 1 {
		t.Fatalf("stored as %v, %v, want the first message of a new stream", ack, err)
	}
}
