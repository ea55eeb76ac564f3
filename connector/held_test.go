package connector

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"golang.org/x/time/rate"

	"limegrove/internal/natstest"
	"limegrove/lime"
)

// running has a registry run until stop, and tells of changes.
func running(t *testing.T, r *Registry) (changed <-chan struct{}, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	tell := make(chan struct{}, 64)
	r.OnChange(func() { tell <- struct{}{} })
	var run sync.WaitGroup
	run.Go(func() { r.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); run.Wait() })
	t.Cleanup(stop)
	return tell, stop
}

func TestATokenThatIsHeldIsKnownToBeRemoved(t *testing.T) {
	js := natstest.JetStream(t)
	here, there := open(t, js, 0), open(t, js, 0)
	token, err := here.NewToken(t.Context(), kiosk)
	if err != nil {
		t.Fatal(err)
	}
	changed, stop := running(t, here)
	counts, release := here.Hold(kiosk)
	defer release()
	credential, err := here.Verify(t.Context(), kiosk, token)
	if err != nil || !counts(credential) || counts("") || counts("connector-token:x") {
		t.Fatalf("%q counts: %t, %v", credential, counts(credential), err)
	}
	if _, err := there.Remove(t.Context(), kiosk); err != nil {
		t.Fatal(err)
	}
	<-changed
	if counts(credential) {
		t.Error("it was removed, and counts")
	}
	if _, err := there.NewToken(t.Context(), kiosk); err != nil {
		t.Fatal(err)
	}
	if counts(credential) {
		t.Error("there is another one, and it counts")
	}

	// While nobody looks, and for so long that nobody says that it was removed.
	other, err := there.NewToken(t.Context(), depot)
	if err != nil {
		t.Fatal(err)
	}
	still, releaseDepot := here.Hold(depot)
	defer releaseDepot()
	if credential, err = here.Verify(t.Context(), depot, other); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := there.Remove(t.Context(), depot); err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(t.Context(), Bucket)
	if err != nil {
		t.Fatal(err)
	}
	if err := kv.PurgeDeletes(t.Context(), jetstream.DeleteMarkersOlderThan(-1)); err != nil {
		t.Fatal(err)
	}
	if !still(credential) {
		t.Error("nobody has told, and it is known")
	}
	changed, _ = running(t, here)
	<-changed
	if still(credential) {
		t.Error("it was removed while nobody looked, and counts")
	}
	release()
	releaseDepot()
	if len(here.held) > 0 {
		t.Errorf("%d are remembered", len(here.held))
	}
}

// A removal that is told late is none of the token that was made since.
func TestWhatIsToldLateEndsNobody(t *testing.T) {
	r := open(t, natstest.JetStream(t), 0)
	token, err := r.NewToken(t.Context(), kiosk)
	if err != nil {
		t.Fatal(err)
	}
	counts, release := r.Hold(kiosk)
	defer release()
	credential, err := r.Verify(t.Context(), kiosk, token)
	if err != nil {
		t.Fatal(err)
	}
	for key := range r.held {
		if r.note(key, r.held[key].revision-1, "") || !counts(credential) {
			t.Error("it ends")
		}
	}
}

// losing is a JetStream that does what it is asked and does not say so.
type losing struct {
	jetstream.JetStream
	lost *bool
}

func (l losing) KeyValue(ctx context.Context, bucket string) (jetstream.KeyValue, error) {
	kv, err := l.JetStream.KeyValue(ctx, bucket)
	return losingBucket{kv, l.lost}, err
}

type losingBucket struct {
	jetstream.KeyValue
	lost *bool
}

func (l losingBucket) Create(ctx context.Context, key string, value []byte, opts ...jetstream.KVCreateOpt) (uint64, error) {
	revision, err := l.KeyValue.Create(ctx, key, value, opts...)
	if *l.lost && err == nil {
		err = context.DeadlineExceeded
	}
	return revision, err
}

func TestALostAnswerLosesNoName(t *testing.T) {
	lost := true
	js := natstest.JetStream(t)
	log, hook := logtest.NewNullLogger()
	r, err := Open(t.Context(), Config{JetStream: losing{js, &lost}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	token, err := r.NewToken(t.Context(), kiosk)
	if err != nil {
		t.Fatalf("the token was made: %v", err)
	}
	if _, err := r.Verify(t.Context(), kiosk, token); err != nil {
		t.Errorf("it does not let in: %v", err)
	}
	// Nobody was told it, and it is removed, but not the one that comes after it.
	r.TakeBack(kiosk, token)
	r.TakeBack(depot, "x")
	lost = false
	mine, err := r.NewToken(t.Context(), depot)
	if err != nil {
		t.Fatal(err)
	}
	r.TakeBack(depot, "y")
	_, stop := running(t, r)
	for len(hook.AllEntries()) == 0 {
		time.Sleep(time.Millisecond)
	}
	for len(r.undone) > 0 {
		time.Sleep(time.Millisecond)
	}
	stop()
	if _, err := r.Verify(t.Context(), kiosk, token); !errors.Is(err, ErrToken) {
		t.Errorf("it was taken back: %v", err)
	}
	if _, err := r.Verify(t.Context(), depot, mine); err != nil {
		t.Errorf("another one was taken back: %v", err)
	}
	if _, err := r.NewToken(t.Context(), kiosk); err != nil {
		t.Errorf("its name is nobody's: %v", err)
	}
}

func TestSoManyTokensAreGivenOutAtOnce(t *testing.T) {
	r := open(t, natstest.JetStream(t), 2)
	r.first = rate.NewLimiter(0, 3)
	if _, err := r.NewToken(t.Context(), kiosk); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := r.NewToken(t.Context(), kiosk); !errors.Is(err, ErrTaken) {
			t.Errorf("a name that is somebody's: %v", err)
		}
	}
	names := []error{nil, ErrTooMany, ErrRate}
	for i, name := range []string{"a", "b", "c"} {
		if _, err := r.NewToken(t.Context(), lime.Identity{Name: name, Domain: kiosk.Domain}); !errors.Is(err, names[i]) {
			t.Errorf("%s: %v, want %v", name, err, names[i])
		}
	}
	if err := r.Import(t.Context(), lime.Identity{Name: "d", Domain: kiosk.Domain}, hash("x")); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more by its hash: %v", err)
	}
	operator := open(t, r.cfg.JetStream, -1)
	if err := operator.Import(t.Context(), lime.Identity{Name: "d", Domain: kiosk.Domain}, hash("x")); err != nil {
		t.Errorf("the operator is held up: %v", err)
	}
}
