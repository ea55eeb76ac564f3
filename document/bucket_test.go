package document

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"limegrove/internal/natstest"
	"limegrove/lime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openBucket(t testing.TB) *Bucket {
	t.Helper()
	b, err := Open(t.Context(), Config{JetStream: natstest.JetStream(t), Name: "contacts"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func of(t testing.TB, identity string) Key {
	t.Helper()
	k, err := Of(lime.MustParseIdentity(identity))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func put(t testing.TB, b *Bucket, k Key, value string) {
	t.Helper()
	if err := b.Put(t.Context(), k, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

// wantUnder fails the test unless just the documents, as key=value, are below k.
func wantUnder(t testing.TB, b *Bucket, k Key, want ...string) {
	t.Helper()
	all, err := b.Under(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range all {
		got = append(got, string(d.Key)+"="+string(d.Value))
		if d.Revision == 0 || d.Changed.IsZero() {
			t.Errorf("%s has revision %d of %v", d.Key, d.Revision, d.Changed)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("below %s: %q, want %q", k, got, want)
	}
}

func TestDocumentIsMadeChangedAndRemoved(t *testing.T) {
	b, k := openBucket(t), of(t, "ana@x")
	if _, err := b.Get(t.Context(), k); !errors.Is(err, ErrNotFound) {
		t.Fatalf("before there is one: %v", err)
	}
	change := func(want, value string) {
		t.Helper()
		revision, err := b.Revise(t.Context(), k, func(old Document) ([]byte, error) {
			if string(old.Value) != want || (old.Revision == 0) != (want == "") {
				t.Errorf("there is %q of revision %d, want %q", old.Value, old.Revision, want)
			}
			if value == "" {
				return nil, nil
			}
			return []byte(value), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if d, err := b.Get(t.Context(), k); err == nil && d.Revision != revision || (revision == 0) != (want == value) {
			t.Errorf("from %q to %q is revision %d, and there is %+v", want, value, revision, d)
		}
	}
	change("", "") // nothing is removed
	change("", "1")
	change("1", "2")
	d, err := b.Get(t.Context(), k)
	if err != nil || string(d.Value) != "2" || d.Key != k {
		t.Errorf("got %s %q, %v", d.Key, d.Value, err)
	}
	change("2", "")
	if err := b.Remove(t.Context(), k); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
	change("", "3") // over what was removed
}

func TestErrorOfAChangeChangesNothing(t *testing.T) {
	b, k := openBucket(t), of(t, "ana@x")
	put(t, b, k, "1")
	ours := errors.New("ours")
	if err := b.Change(t.Context(), k, func(Document) ([]byte, error) { return []byte("2"), ours }); !errors.Is(err, ours) {
		t.Errorf("the error is %v", err)
	}
	if d, err := b.Get(t.Context(), k); string(d.Value) != "1" || err != nil {
		t.Errorf("it is %q now, %v", d.Value, err)
	}
}

// behind is a bucket whose replicas know of nothing yet.
type behind struct{ jetstream.KeyValue }

func (behind) Get(context.Context, string) (jetstream.KeyValueEntry, error) {
	return nil, jetstream.ErrKeyNotFound
}

func TestReplicaThatIsBehindDecidesNoChange(t *testing.T) {
	b, k := openBucket(t), of(t, "ana@x")
	now := *b
	b.kv = behind{b.kv}
	put(t, &now, k, "1")
	changed := errors.New("seen")
	if err := b.Change(t.Context(), k, func(old Document) ([]byte, error) {
		if string(old.Value) != "1" || old.Key != k || old.Revision == 0 || old.Changed.IsZero() {
			t.Errorf("it is shown %+v", old)
		}
		return nil, changed
	}); !errors.Is(err, changed) {
		t.Error(err)
	}
	if err := b.Remove(t.Context(), k); err != nil {
		t.Errorf("removed: %v", err)
	}
	if d, err := now.Get(t.Context(), k); !errors.Is(err, ErrNotFound) {
		t.Errorf("there is %q still, %v", d.Value, err)
	}
	if err := b.Remove(t.Context(), k); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
}

func TestNoneOfManyChangesIsLost(t *testing.T) {
	b, k := openBucket(t), of(t, "ana@x")
	const each = 5
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for done := 0; done < each; {
				err := b.Change(t.Context(), k, func(old Document) ([]byte, error) {
					n, _ := strconv.Atoi("0" + string(old.Value))
					return []byte(strconv.Itoa(n + 1)), nil
				})
				switch {
				case err == nil:
					done++
				case !errors.Is(err, ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if d, err := b.Get(t.Context(), k); string(d.Value) != strconv.Itoa(3*each) || err != nil {
		t.Errorf("counted to %q, %v", d.Value, err)
	}
}

func TestWhatIsUnderAKey(t *testing.T) {
	b := openBucket(t)
	ana := of(t, "ana@x")
	wantUnder(t, b, ana)
	put(t, b, ana+".x.rui", "1")
	put(t, b, ana+".x.bia", "2")
	put(t, b, ana+".x.lia", "3")
	put(t, b, ana, "its own is not below it")
	put(t, b, of(t, "ana2@x")+".x.rui", "of somebody else")
	if err := b.Remove(t.Context(), ana+".x.lia"); err != nil {
		t.Fatal(err)
	}
	wantUnder(t, b, ana, "x.ana.x.bia=2", "x.ana.x.rui=1")
	for _, k := range []Key{ana + ".x.rui", ana + ".x.bia"} {
		if err := b.Remove(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	wantUnder(t, b, ana)
}

// Direct reads find at most 1,024 documents at once.
func TestManyDocumentsUnderAKey(t *testing.T) {
	b, k := openBucket(t), of(t, "group@x")
	var want []string
	for i := range 1500 {
		put(t, b, k+Key(fmt.Sprintf(".m%04d", i)), "v")
		want = append(want, fmt.Sprintf("x.group.m%04d=v", i))
	}
	wantUnder(t, b, k, want...)
	for _, most := range []int{1, 700, 1500, 1501} {
		if some, err := b.UnderAtMost(t.Context(), k, Most{Documents: most}); err != nil || len(some) != min(most, 1500) || string(some[0].Key) != "x.group.m0000" {
			t.Errorf("%d of them at most: %d, %v", most, len(some), err)
		}
		if some, err := b.UnderAtMost(t.Context(), k, Most{Bytes: most}); err != nil || len(some) != min(most, 1500) {
			t.Errorf("%d bytes of them at most: %d, %v", most, len(some), err)
		}
	}
	put(t, b, of(t, "few@x")+".b", "first")
	put(t, b, of(t, "few@x")+".a", "second")
	if some, err := b.UnderAtMost(t.Context(), of(t, "few@x"), Most{Documents: 1}); err != nil || len(some) != 1 || string(some[0].Value) != "first" {
		t.Errorf("of two, one at most: %v, %v", some, err)
	}
	if some, err := b.UnderAtMost(t.Context(), of(t, "few@x"), Most{Bytes: 10}); err != nil || len(some) != 1 || string(some[0].Value) != "first" {
		t.Errorf("of two, what ten bytes hold: %v, %v", some, err)
	}
}

func TestSeveralDocumentsAtOnce(t *testing.T) {
	b := openBucket(t)
	ana := of(t, "ana@x")
	var keys []Key
	for i := range 1100 {
		keys = append(keys, ana+Key(fmt.Sprintf(".m%04d", i)))
		if i%10 == 0 {
			put(t, b, keys[i], strconv.Itoa(i))
		}
	}
	if err := b.Remove(t.Context(), keys[20]); err != nil {
		t.Fatal(err)
	}
	if b.Absent(t.Context(), keys[10:30]) {
		t.Error("of one that is there, it is said that it is absent")
	}
	if !b.Absent(t.Context(), keys[1:10]) || !b.Absent(t.Context(), nil) {
		t.Error("that none is there is not known")
	}
	got, err := b.Several(t.Context(), keys)
	if err != nil || len(got) != 109 {
		t.Fatalf("%d documents, %v", len(got), err)
	}
	for _, d := range got {
		if !strings.HasSuffix(string(d.Key), fmt.Sprintf("m%04s", d.Value)) {
			t.Errorf("%s is %q", d.Key, d.Value)
		}
	}
	if none, err := b.Several(t.Context(), []Key{"nobody"}); len(none) != 0 || err != nil {
		t.Errorf("of nobody there is %v, %v", none, err)
	}
}

func TestBucketThatIsNotOursIsRefusedByName(t *testing.T) {
	for _, row := range []struct {
		want string
		cfg  jetstream.KeyValueConfig
	}{
		{"memory storage", jetstream.KeyValueConfig{Storage: jetstream.MemoryStorage}},
		{"history of 5", jetstream.KeyValueConfig{History: 5}},
		{"other settings", jetstream.KeyValueConfig{MaxBytes: 1 << 20}},
		{"other settings", jetstream.KeyValueConfig{LimitMarkerTTL: markersFor, RePublish: &jetstream.RePublish{Source: "$KV.contacts.>", Destination: "told.>"}}},
	} {
		js := natstest.JetStream(t)
		want, cfg := row.want, row.cfg
		cfg.Bucket = "contacts"
		if _, err := js.CreateKeyValue(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), Config{JetStream: js, Name: "contacts"})
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), want) || !errors.Is(err, jetstream.ErrBucketExists) {
			t.Errorf("%s: %v", want, err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q has more than one line", err)
		}
	}
}

func TestBucketKeepsTheReplicasThatItsOperatorGaveIt(t *testing.T) {
	js := natstest.JetStream(t)
	for _, replicas := range []int{1, 3} {
		if _, err := Open(t.Context(), Config{JetStream: js, Name: "contacts", Replicas: replicas}); err != nil {
			t.Errorf("with %d replicas: %v", replicas, err)
		}
	}
}

func TestBadConfigIsRefused(t *testing.T) {
	js := natstest.JetStream(t)
	for what, cfg := range map[string]Config{
		"no JetStream": {Name: "contacts"},
		"no name":      {JetStream: js},
		"replicas":     {JetStream: js, Name: "contacts", Replicas: 6},
	} {
		if _, err := Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: opened", what)
		}
	}
}

func TestConflictIsKnownByEitherCode(t *testing.T) {
	for code, want := range map[jetstream.ErrorCode]bool{
		jetstream.JSErrCodeStreamWrongLastSequence:         true,
		jetstream.JSErrCodeStreamWrongLastSequenceConstant: true, // with replicas
		jetstream.JSErrCodeStreamNotFound:                  false,
	} {
		if got := isConflict(&jetstream.APIError{ErrorCode: code}); got != want {
			t.Errorf("code %d: %v, want %v", code, got, want)
		}
	}
	if isConflict(nil) {
		t.Error("no error is a conflict")
	}
}
