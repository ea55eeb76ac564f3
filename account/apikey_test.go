package account

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"limegrove/document"
	"limegrove/lime"
)

// decoded is a key as a login has it once it is decoded.
func decoded(t testing.TB, secret string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(b) != apiKeySize {
		t.Fatalf("the key %q is not %d bytes in Base64: %v", secret, apiKeySize, err)
	}
	return b
}

func addKey(t testing.TB, s *Store, name string) (APIKey, []byte) {
	t.Helper()
	k, secret, err := s.AddKey(t.Context(), anaToo, name)
	if err != nil {
		t.Fatal(err)
	}
	return k, decoded(t, secret)
}

func TestKeyLetsInUntilItIsRevoked(t *testing.T) { // L-SES-13
	s := open(t, Config{})
	create(t, s, Account{Identity: ana})
	bot, botKey := addKey(t, s, "bot")
	ci, ciKey := addKey(t, s, "ci")
	if bot.ID == ci.ID || string(botKey) == string(ciKey) {
		t.Fatal("two keys are one")
	}

	for want, given := range map[APIKey][]byte{bot: botKey, ci: ciKey} {
		if k, err := s.VerifyKey(t.Context(), anaToo, given); err != nil || k.ID != want.ID || k.Name != want.Name {
			t.Errorf("%s lets %+v in, %v", want.Name, k, err)
		}
	}
	twice := []byte(base64.StdEncoding.EncodeToString(botKey))
	if k, err := s.VerifyKey(t.Context(), ana, twice); err != nil || k.ID != bot.ID {
		t.Errorf("a key that its library has encoded once more: %+v, %v", k, err)
	}

	if k, err := s.RemoveKey(t.Context(), ana, "BOT"); err != nil || k.ID != bot.ID {
		t.Errorf("revoked %+v, %v", k, err)
	}
	if _, err := s.VerifyKey(t.Context(), ana, botKey); !errors.Is(err, ErrCredentials) {
		t.Errorf("a revoked key: %v", err)
	}
	if _, err := s.VerifyKey(t.Context(), ana, ciKey); err != nil {
		t.Errorf("the other one: %v", err)
	}
	if _, err := s.RemoveKey(t.Context(), ana, "bot"); !errors.Is(err, ErrNoAPIKey) {
		t.Errorf("revoked again: %v", err)
	}
	if err := s.Verify(t.Context(), ana, pass); err != nil {
		t.Errorf("the password: %v", err)
	}

	again, _ := addKey(t, s, "bot")
	if again.ID == bot.ID {
		t.Error("a new key has the id of a revoked one, whose sessions it would be told of")
	}
	if err := s.Delete(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	if _, err := s.VerifyKey(t.Context(), ana, ciKey); !errors.Is(err, ErrCredentials) {
		t.Errorf("a key of a deleted account: %v", err)
	}
}

func TestKeysThatDoNotHoldCannotBeToldApart(t *testing.T) { // L-SES-14, L-SES-16
	reg := prometheus.NewRegistry()
	s := open(t, Config{Metrics: reg})
	create(t, s, Account{Identity: ana})
	create(t, s, Account{Identity: rui})
	_, key := addKey(t, s, "bot")
	texts := map[string]bool{}
	for what, try := range map[string]struct {
		id    lime.Identity
		given []byte
	}{
		"another's":         {rui, key},
		"nobody's":          {lime.MustParseIdentity("lia@example.org"), key},
		"no domain":         {lime.Identity{Name: "ana"}, key},
		"a wrong one":       {ana, make([]byte, apiKeySize)},
		"too short":         {ana, key[1:]},
		"none":              {ana, nil},
		"44 bytes, no code": {ana, []byte(strings.Repeat("-", 44))},
		"endless":           {ana, make([]byte, 1<<20)},
	} {
		_, err := s.VerifyKey(t.Context(), try.id, try.given)
		if !errors.Is(err, ErrCredentials) {
			t.Errorf("%s: %v", what, err)
			continue
		}
		texts[lime.AsReason(err).Error()] = true
	}
	if len(texts) != 1 {
		t.Errorf("the client sees %d texts: %v", len(texts), texts)
	}
	wantMetric(t, reg, "limegrove_account_key_verifications_total", resultRefused, 8)
}

func TestKeysAreListedWithoutTheirSecretsAndWithTheirUse(t *testing.T) { // L-RES-10
	s := open(t, Config{})
	create(t, s, Account{Identity: ana})
	first, key := addKey(t, s, "first")
	addKey(t, s, "second")
	if _, err := s.VerifyKey(t.Context(), ana, key); err != nil {
		t.Fatal(err)
	}
	all, err := s.Keys(t.Context(), ana)
	if err != nil || len(all) != 2 || all[0].Name != "first" || all[1].Name != "second" {
		t.Fatalf("listed as %+v, %v", all, err)
	}
	used := all[0].LastUsed
	if used.Before(first.Created.Truncate(time.Second)) || time.Since(used) > time.Minute || !all[1].LastUsed.IsZero() {
		t.Errorf("used at %v and %v", used, all[1].LastUsed)
	}

	where, err := document.Of(ana)
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.bucket.Get(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	before := e.Revision
	for range 10 {
		if _, err := s.VerifyKey(t.Context(), ana, key); err != nil {
			t.Fatal(err)
		}
	}
	if e, err = s.bucket.Get(t.Context(), where); err != nil || e.Revision != before {
		t.Errorf("logins within an hour write the account: revision %d, then %d, %v", before, e.Revision, err)
	}
	for _, secret := range []string{string(key), base64.StdEncoding.EncodeToString(key)} {
		if strings.Contains(string(e.Value), secret) {
			t.Error("the key is in the store")
		}
	}
}

func TestKeysAreBoundedAndNamedOnce(t *testing.T) {
	s := open(t, Config{})
	if _, _, err := s.AddKey(t.Context(), ana, "bot"); !errors.Is(err, ErrNotFound) {
		t.Errorf("without an account: %v", err)
	}
	create(t, s, Account{Identity: ana})
	for _, name := range []string{"", " ", "a b", "a/b", "é", "..", strings.Repeat("x", MaxAPIKeyName+1)} {
		if _, _, err := s.AddKey(t.Context(), ana, name); !errors.Is(err, ErrAPIKeyName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, MaxAPIKeys/2)
	for i := range errs { // all at once
		wg.Go(func() {
			for errs[i] = context.DeadlineExceeded; errs[i] != nil && !errors.Is(errs[i], ErrTooManyAPIKeys); {
				_, _, errs[i] = s.AddKey(t.Context(), ana, fmt.Sprintf("bot-%d", i))
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("key %d: %v", i, err)
		}
	}
	if _, _, err := s.AddKey(t.Context(), ana, "BOT-0"); !errors.Is(err, ErrAPIKeyExists) {
		t.Errorf("a name that is taken: %v", err)
	}
	for i := len(errs); i < MaxAPIKeys; i++ {
		if _, _, err := s.AddKey(t.Context(), ana, fmt.Sprintf("bot-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.AddKey(t.Context(), ana, "one-more"); !errors.Is(err, ErrTooManyAPIKeys) {
		t.Errorf("one too many: %v", err)
	}
	all, err := s.Keys(t.Context(), ana)
	if err != nil || len(all) != MaxAPIKeys {
		t.Errorf("%d keys, %v", len(all), err)
	}
	if err := s.Update(t.Context(), ana, another, nil); err != nil {
		t.Fatal(err)
	}
	if all, err = s.Keys(t.Context(), ana); err != nil || len(all) != MaxAPIKeys {
		t.Errorf("after a change of the password %d keys, %v", len(all), err)
	}
}
