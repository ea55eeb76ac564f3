package connector

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.uber.org/goleak"

	"limegrove/internal/natstest"
	"limegrove/lime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var kiosk, depot = lime.MustParseIdentity("%4biosk%3a7@aio.example.org"), lime.MustParseIdentity("depot@aio.example.org")

func open(t testing.TB, js jetstream.JetStream, most int) *Registry {
	t.Helper()
	log, _ := logtest.NewNullLogger()
	r, err := Open(t.Context(), Config{JetStream: js, Tokens: most, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestATokenLetsItsOwnerIn(t *testing.T) {
	js := natstest.JetStream(t)
	r, other := open(t, js, 0), open(t, js, 0)
	token, err := r.NewToken(t.Context(), kiosk)
	if b, bad := hex.DecodeString(token); err != nil || bad != nil || len(b) != 32 {
		t.Fatalf("the token is %q, %v", token, err)
	}
	credential, err := other.Verify(t.Context(), kiosk, token)
	if err != nil || !strings.HasPrefix(credential, "connector-token:") {
		t.Errorf("elsewhere it lets in by %q, %v", credential, err)
	}
	if made, err := other.Made(t.Context(), kiosk); err != nil || made.IsZero() {
		t.Errorf("it was made %v, %v", made, err)
	}
	for _, wrong := range []string{"", "x", strings.ToUpper(token), token[1:], hash(token)} {
		if _, err := r.Verify(t.Context(), kiosk, wrong); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := r.Verify(t.Context(), depot, token); !errors.Is(err, ErrToken) {
		t.Errorf("of somebody else's name: %v", err)
	}
	if _, err := other.NewToken(t.Context(), kiosk); !errors.Is(err, ErrTaken) {
		t.Errorf("a second one: %v", err)
	}
	kv, err := js.KeyValue(t.Context(), Bucket)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := kv.Keys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatalf("%v, %v", keys, err)
	}
	if kept, err := kv.Get(t.Context(), keys[0]); err != nil || strings.Contains(string(kept.Value()), token) || !strings.Contains(string(kept.Value()), hash(token)) {
		t.Errorf("the token itself is kept: %s, %v", kept.Value(), err)
	}

	gone, err := other.Remove(t.Context(), kiosk)
	if err != nil || gone != credential {
		t.Errorf("removed is %q, %v", gone, err)
	}
	if _, err := r.Verify(t.Context(), kiosk, token); !errors.Is(err, ErrToken) {
		t.Errorf("after that: %v", err)
	}
	if _, err := r.Remove(t.Context(), kiosk); !errors.Is(err, ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	again, err := r.NewToken(t.Context(), kiosk)
	if err != nil || again == token {
		t.Errorf("the name is free again: %q, %v", again, err)
	}
	if next, err := r.Verify(t.Context(), kiosk, again); err != nil || next == credential {
		t.Errorf("its credential is another one: %q, %v", next, err)
	}
}

func TestOneOfManyGetsTheToken(t *testing.T) {
	js := natstest.JetStream(t)
	var asking sync.WaitGroup
	tokens := make([]string, 16)
	errs := make([]error, len(tokens))
	for i := range tokens {
		r := open(t, js, 0)
		asking.Go(func() { tokens[i], errs[i] = r.NewToken(t.Context(), kiosk) })
	}
	asking.Wait()
	winner := ""
	for i, token := range tokens {
		switch {
		case errs[i] == nil && winner == "":
			winner = token
		case !errors.Is(errs[i], ErrTaken):
			t.Errorf("another one: %q, %v", token, errs[i])
		}
	}
	if _, err := open(t, js, 0).Verify(t.Context(), kiosk, winner); err != nil {
		t.Errorf("%q: %v", winner, err)
	}
}

func TestThereAreSoManyTokens(t *testing.T) {
	r := open(t, natstest.JetStream(t), 1)
	if _, err := r.NewToken(t.Context(), kiosk); err != nil {
		t.Fatal(err)
	}
	if _, err := r.NewToken(t.Context(), depot); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	if _, err := r.NewToken(t.Context(), kiosk); !errors.Is(err, ErrTaken) {
		t.Errorf("who has one is told that: %v", err)
	}
	if _, err := r.Remove(t.Context(), kiosk); err != nil {
		t.Fatal(err)
	}
	if _, err := r.NewToken(t.Context(), depot); err != nil {
		t.Errorf("in its place: %v", err)
	}
}

func TestTokensOfTheOriginalAreTaken(t *testing.T) {
	r := open(t, natstest.JetStream(t), 0)
	const token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	if err := r.Import(t.Context(), kiosk, strings.ToUpper(hash(token))); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Verify(t.Context(), kiosk, token); err != nil {
		t.Error(err)
	}
	if err := r.Import(t.Context(), kiosk, hash("x")); !errors.Is(err, ErrTaken) {
		t.Errorf("in place of one: %v", err)
	}
	for _, bad := range []string{"", "x", hash(token)[1:], hash(token) + "00"} {
		if err := r.Import(t.Context(), depot, bad); !errors.Is(err, ErrHash) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestListsAreInForceEverywhere(t *testing.T) {
	js := natstest.JetStream(t)
	r, other := open(t, js, 0), open(t, js, 0)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	changed := make(chan struct{}, 8)
	other.OnChange(func() { changed <- struct{}{} })
	running.Go(func() { other.Run(ctx) })
	defer running.Wait()
	defer stop()

	here := netip.MustParseAddr("10.0.0.9")
	if !other.Filter().Admits("kiosk7", here) || other.Filter().Ignores("kiosk7") {
		t.Error("without lists one is kept out")
	}
	want := Lists{Black: List{Names: []string{"kiosk"}}, Ignored: Ignored{Names: []string{"depot"}}}
	if err := r.SetLists(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	<-changed
	if f := other.Filter(); f.Admits("kiosk7", here) || !f.Admits("depot", here) || !f.Ignores("depot") {
		t.Errorf("in force is %+v", f.Lists())
	}
	if got, err := other.Latest(t.Context()); err != nil || len(got.Black.Names) != 1 || got.Black.Names[0] != "kiosk" {
		t.Errorf("there are %+v, %v", got, err)
	}
	if f := open(t, js, 0).Filter(); f.Admits("kiosk7", here) {
		t.Error("they do not count from the beginning")
	}
	if err := r.SetLists(t.Context(), Lists{Black: List{Names: []string{"("}}}); !errors.Is(err, &lime.Reason{Code: lime.CodeCommandInvalidArgument}) {
		t.Errorf("no regular expression: %v", err)
	}
	if err := r.SetLists(t.Context(), Lists{}); err != nil {
		t.Fatal(err)
	}
	<-changed
	if f := other.Filter(); !f.Admits("kiosk7", here) || f.Ignores("depot") {
		t.Errorf("in force is %+v still", f.Lists())
	}
}
