package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus"

	"limegrove/api"
	"limegrove/internal/natstest"
)

const patience = 20 * time.Second

// eventually waits for what another router brings about.
func eventually(t testing.TB, why string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not so after %v", why, patience)
		}
	}
}

// openKeys are the keys as one router has them.
func openKeys(t testing.TB, js jetstream.JetStream, bootstrap string) *Keys {
	t.Helper()
	log := logrus.New()
	log.SetOutput(t.Output())
	k, err := OpenKeys(t.Context(), KeysConfig{JetStream: js, Bootstrap: bootstrap, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// run has it learn of the others' keys until the test ends.
func (k *Keys) run(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	eventually(t, "all keys are known", func() bool {
		_, _, err := k.Verify("x")
		return err == nil
	})
}

func (k *Keys) counts(secret string) bool {
	_, ok, err := k.Verify(secret)
	return ok && err == nil
}

func TestKeysCountAtAllRoutersUntilTheyAreRevoked(t *testing.T) {
	js := natstest.JetStream(t)
	a, b := openKeys(t, js, ""), openKeys(t, js, "")
	a.run(t)
	b.run(t)
	made, secret, err := a.Add(t.Context(), api.Key{Name: "x", Scopes: []api.Scope{api.ScopeSend}, Domains: []string{"t.org"}})
	if err != nil {
		t.Fatal(err)
	}
	if !a.counts(secret) {
		t.Error("it does not count where it was made")
	}
	eventually(t, "it counts elsewhere", func() bool { return b.counts(secret) })
	known, _, _ := b.Verify(secret)
	if known.ID != made.ID || known.Name != "x" || !known.May(api.ScopeSend) || known.May(api.ScopeInbox) || !known.For("T.org") || known.For("u.org") {
		t.Errorf("it is known as %+v", known)
	}
	list, err := b.List(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != made.ID {
		t.Errorf("the list: %v, %v", list, err)
	}
	if err := b.Revoke(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if b.counts(secret) {
		t.Error("it counts where it was revoked")
	}
	eventually(t, "it counts nowhere", func() bool { return !a.counts(secret) })
	if err := b.Revoke(t.Context(), made.ID); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("revoked again: %v", err)
	}
}

func TestAKeyIsStoredByItsHashAlone(t *testing.T) {
	js := natstest.JetStream(t)
	k := openKeys(t, js, "")
	_, secret, err := k.Add(t.Context(), api.Key{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := k.Add(t.Context(), api.Key{Name: "x"})
	if err != nil || other == secret || len(secret) != len(keyPrefix)+43 {
		t.Errorf("%q and %q, %v", secret, other, err)
	}
	kv, err := js.KeyValue(t.Context(), KeysBucket)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(secret))
	e, err := kv.Get(t.Context(), hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(e.Value()), secret) || strings.Contains(string(e.Value()), secret[len(keyPrefix):]) {
		t.Errorf("stored: %s", e.Value())
	}
}

func TestTheBootstrapKeyIsInNoStore(t *testing.T) {
	js := natstest.JetStream(t)
	k := openKeys(t, js, "0123456789abcdef")
	if one, ok, err := k.Verify("0123456789abcdef"); !ok || err != nil || !slices.Equal(one.Scopes, api.Scopes()) || !one.For("any.org") {
		t.Errorf("%+v %t %v", one, ok, err)
	}
	if _, ok, err := k.Verify("0123456789abcdeF"); ok || !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("another one, before all are known: %t %v", ok, err)
	}
	k.run(t)
	if _, ok, err := k.Verify("0123456789abcdeF"); ok || err != nil {
		t.Errorf("another one: %t %v", ok, err)
	}
	if list, err := k.List(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("the list: %v, %v", list, err)
	}
	k.SetBootstrap("another-of-16-bytes")
	if k.counts("0123456789abcdef") || !k.counts("another-of-16-bytes") {
		t.Error("the one of before counts, or the new one does not")
	}
	k.SetBootstrap("")
	if k.counts("another-of-16-bytes") || k.counts("") {
		t.Error("one counts that there is no more")
	}
	none := openKeys(t, js, "")
	none.run(t)
	if none.counts("") {
		t.Error("no key counts as the bootstrap key that there is not")
	}
}

func TestKeysExpire(t *testing.T) {
	k := openKeys(t, natstest.JetStream(t), "")
	k.run(t)
	_, secret, err := k.Add(t.Context(), api.Key{Name: "x", Expires: time.Now().Add(time.Hour)})
	if err != nil || !k.counts(secret) {
		t.Errorf("before its time: %v", err)
	}
	_, secret, err = k.Add(t.Context(), api.Key{Name: "x", Expires: time.Now().Add(-time.Second)})
	if err != nil || k.counts(secret) {
		t.Errorf("after it: %v", err)
	}
}

func TestKeysThatWereRevokedUnnoticedAreFoundOut(t *testing.T) {
	js := natstest.JetStream(t)
	a, b := openKeys(t, js, ""), openKeys(t, js, "")
	made, secret, err := a.Add(t.Context(), api.Key{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Revoke(t.Context(), made.ID); err != nil { // a hears of nothing
		t.Fatal(err)
	}
	if !a.counts(secret) {
		t.Fatal("it has heard of it all the same")
	}
	a.run(t) // reads all
	if a.counts(secret) {
		t.Error("it still counts")
	}
}
