package embedded

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus"
)

// A disk that leaves nothing refuses what is stored, with an answer; when it has room
// again, what is stored is taken. Both are told once.
func TestStreamsLeaveRoomOnTheDisk(t *testing.T) {
	n, err := StartNATS(NATSConfig{Dir: t.TempDir(), Port: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Shutdown)
	close(n.noRoom) // this test looks by itself
	n.room.Wait()
	n.noRoom = make(chan struct{})

	var told bytes.Buffer
	log := logrus.New()
	log.SetOutput(&told)
	free := int64(1 << 30)
	r := &room{server: n.server, log: log, space: func(string) (int64, int64, error) { return free, 1 << 30, nil }}
	look := func(left int64) {
		t.Helper()
		free = reserve(1<<30) + left
		if err := r.look(); err != nil {
			t.Fatal(err)
		}
	}

	closed := make(chan struct{})
	nc, err := nats.Connect(n.URL(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); <-closed })
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	look(1 << 20)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "LOG", Subjects: []string{"log.>"}}); err != nil {
		t.Fatal(err)
	}
	store := func() error { _, err := js.Publish(t.Context(), "log.x", make([]byte, 1000)); return err }
	if err := store(); err != nil {
		t.Errorf("with room: %v", err)
	}
	for range 3 {
		look(-1 << 20)
		refused, _ := errors.AsType[*jetstream.APIError](store())
		if refused == nil || refused.ErrorCode != 10002 {
			t.Errorf("without room: %v", refused)
		}
	}
	for range 3 {
		look(1 << 25)
		if err := store(); err != nil {
			t.Errorf("with room again: %v", err)
		}
	}
	if text := told.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "nearly full") || !strings.Contains(text, "room again") {
		t.Errorf("it was told:\n%s", text)
	}
}

func TestReserveIsAPartOfTheDisk(t *testing.T) {
	for size, want := range map[int64]int64{0: 8 << 20, 24 << 20: 8 << 20, 10 << 30: 512 << 20, 1 << 40: 1 << 30} {
		if got := reserve(size); got != want {
			t.Errorf("of %d bytes %d are kept, not %d", size, got, want)
		}
	}
}
