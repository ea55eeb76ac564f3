package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/api"
	"limegrove/internal/natstest"
)

func openAnswers(t testing.TB, js jetstream.JetStream) *Answers {
	t.Helper()
	a, err := OpenAnswers(t.Context(), AnswersConfig{JetStream: js})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAnAnswerIsTheSameAtAllRouters(t *testing.T) {
	js := natstest.JetStream(t)
	a, b := openAnswers(t, js), openAnswers(t, js)
	kept, claim, err := a.Begin(t.Context(), "k", []byte("print"))
	if kept != nil || err != nil {
		t.Fatalf("the first: %v, %v", kept, err)
	}
	if _, _, err := b.Begin(t.Context(), "k", []byte("print")); !errors.Is(err, api.ErrRunning) {
		t.Errorf("while it is done: %v", err)
	}
	if _, _, err := b.Begin(t.Context(), "k", []byte("other")); !errors.Is(err, api.ErrMismatch) {
		t.Errorf("another request: %v", err)
	}
	want := api.Kept{Status: 201, Type: "application/json", Location: "/x", Body: []byte(`{"a":1}`)}
	if err := a.Finish(t.Context(), claim, want); err != nil {
		t.Fatal(err)
	}
	if kept, _, err = b.Begin(t.Context(), "k", []byte("print")); err != nil || !reflect.DeepEqual(*kept, want) {
		t.Errorf("after it: %v, %v", kept, err)
	}
	if _, _, err := b.Begin(t.Context(), "k", []byte("other")); !errors.Is(err, api.ErrMismatch) {
		t.Errorf("another request after it: %v", err)
	}
}

func TestWhatIsGivenBackIsDoneAgain(t *testing.T) {
	js := natstest.JetStream(t)
	a, b := openAnswers(t, js), openAnswers(t, js)
	for range 3 {
		_, claim, err := a.Begin(t.Context(), "k", []byte("print"))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Abandon(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		a, b = b, a
	}
	if _, _, err := b.Begin(t.Context(), "k", []byte("other")); err != nil {
		t.Errorf("another request may have the key then: %v", err)
	}
}

func TestWhatADeadRouterHasBegunIsDoneByAnother(t *testing.T) {
	js := natstest.JetStream(t)
	a := openAnswers(t, js)
	old, err := json.Marshal(kept{Print: []byte("print"), Until: time.Now().Add(-time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	revision, err := a.kv.Create(t.Context(), "k", old)
	if err != nil {
		t.Fatal(err)
	}
	answer, claim, err := a.Begin(t.Context(), "k", []byte("print"))
	if answer != nil || err != nil {
		t.Fatalf("%v, %v", answer, err)
	}
	if err := a.Finish(t.Context(), api.Claim{Key: "k", Print: []byte("print"), Revision: revision}, api.Kept{Status: 200}); err == nil {
		t.Error("who was taken for dead has answered over the other")
	}
	if err := a.Finish(t.Context(), claim, api.Kept{Status: 202}); err != nil {
		t.Error(err)
	}
}

func TestAnswersAreKeptForADayWithinABound(t *testing.T) {
	js := natstest.JetStream(t)
	openAnswers(t, js)
	s, err := js.Stream(t.Context(), "KV_"+AnswersBucket)
	if err != nil {
		t.Fatal(err)
	}
	if c := s.CachedInfo().Config; c.MaxAge != 24*time.Hour || c.MaxBytes != answersBytes || c.Storage != jetstream.FileStorage || c.Discard != jetstream.DiscardOld {
		t.Errorf("%+v", c)
	}
}

// TestThereIsRoomForNewAnswers: what is full forgets the oldest, and refuses nobody.
func TestThereIsRoomForNewAnswers(t *testing.T) {
	js := natstest.JetStream(t)
	a, err := OpenAnswers(t.Context(), AnswersConfig{JetStream: js, Bytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	key := func(i int) string { return fmt.Sprintf("%064x", i) }
	const requests = 500
	for i := range requests {
		kept, claim, err := a.Begin(t.Context(), key(i), []byte("print"))
		if kept != nil || err != nil {
			t.Fatalf("request %d: %v, %v", i, kept, err)
		}
		if err := a.Finish(t.Context(), claim, api.Kept{Status: 200, Body: make([]byte, 200)}); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	if kept, _, err := a.Begin(t.Context(), key(requests-1), []byte("print")); kept == nil || err != nil {
		t.Errorf("the last one is forgotten: %v", err)
	}
	if kept, _, err := a.Begin(t.Context(), key(0), []byte("print")); kept != nil || err != nil {
		t.Errorf("the first one is to be done again: %v, %v", kept, err)
	}
}
