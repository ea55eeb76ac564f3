package roster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"limegrove/lime"
)

func ids(names ...string) (all []lime.Identity) {
	for _, n := range names {
		all = append(all, id(n))
	}
	return all
}

// wantIDs fails the test unless got is want, in any order.
func wantIDs(t testing.TB, why string, got []lime.Identity, err error, want string) {
	t.Helper()
	var names []string
	for _, i := range got {
		names = append(names, i.String())
	}
	slices.Sort(names)
	if err != nil || fmt.Sprint(names) != want {
		t.Errorf("%s: %s, %v, want %s", why, names, err, want)
	}
}

func TestWhoSharesWithSomebody(t *testing.T) {
	s, ctx := open(t, Config{}), t.Context()
	s.mustSet(t, "Rui@x", `{"identity":"ana@x"}`)
	s.mustSet(t, "bia@x", `{"identity":"ana@x","sharePresence":false}`)
	s.mustSet(t, "lia@x", `{"identity":"ana@x","isPending":true}`)
	s.mustSet(t, "gil@x", `{"identity":"ANA@x","shareAccountInfo":false}`)
	s.mustSet(t, "ana@x", `{"identity":"tom@x"}`)
	got, err := s.Sharing(ctx, id("Ana@x"), ids("rui@x", "RUI@x", "bia@x", "lia@x", "gil@x", "tom@x", "nobody@x"))
	wantIDs(t, "of seven", got, err, "[gil@x rui@x]")
	got, err = s.Sharing(ctx, id("ana@x"), nil)
	wantIDs(t, "of none", got, err, "[]")
	for owner, want := range map[string][3]bool{
		"rui@x": {true, true, true}, "bia@x": {false, true, true}, "lia@x": {}, "gil@x": {true, false, true}, "tom@x": {}, "@x": {},
	} {
		presence, err := s.SharesPresence(ctx, id(owner), id("ana@x"))
		account, errAccount := s.SharesAccountInfo(ctx, id(owner), id("ana@x"))
		knows, errKnows := s.Knows(ctx, id(owner), id("ana@x"))
		if got := [3]bool{presence, account, knows}; got != want || err != nil || errAccount != nil || errKnows != nil {
			t.Errorf("%s shares, and knows: %v, %v, %v, %v, want %v", owner, got, err, errAccount, errKnows, want)
		}
	}
}

func TestManyMayShare(t *testing.T) {
	s := open(t, Config{})
	var owners []lime.Identity
	for i := range 600 {
		owner := fmt.Sprintf("u%d@x", i)
		owners = append(owners, id(owner))
		if i%2 == 0 {
			s.mustSet(t, owner, `{"identity":"ana@x"}`)
		}
	}
	if got, err := s.Sharing(t.Context(), id("ana@x"), owners); len(got) != 300 || err != nil {
		t.Errorf("%d share, %v", len(got), err)
	}
}

func TestSubscriptionsAreHadFromBothEnds(t *testing.T) {
	s, ctx := open(t, Config{MaxSubscriptions: 2}), t.Context()
	for range 2 { // once more changes nothing
		for _, target := range []string{"Rui@x", "bia@x"} {
			if err := s.Subscribe(ctx, id("Ana@x"), id(target)); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantError(t, "a third", s.Subscribe(ctx, id("ana@x"), id("lia@x")), ErrTooMany)
	if err := s.Subscribe(ctx, id("tom@x"), id("rui@x")); err != nil {
		t.Fatal(err)
	}
	got, err := s.Subscriptions(ctx, id("ana@x"))
	wantIDs(t, "Ana's", got, err, "[Rui@x bia@x]")
	got, err = s.Subscribers(ctx, id("rui@x"))
	wantIDs(t, "to Rui", got, err, "[Ana@x tom@x]")
	for _, want := range []bool{true, false} {
		if was, err := s.Unsubscribe(ctx, id("ana@x"), id("RUI@x")); was != want || err != nil {
			t.Errorf("there was one: %t, %v, want %t", was, err, want)
		}
	}
	got, err = s.Subscribers(ctx, id("rui@x"))
	wantIDs(t, "to Rui then", got, err, "[tom@x]")
	if err := s.Forget(ctx, id("tom@x")); err != nil {
		t.Fatal(err)
	}
	got, err = s.Subscribers(ctx, id("rui@x"))
	wantIDs(t, "when Tom is forgotten", got, err, "[]")
}

func TestWhenSomebodyWasSeen(t *testing.T) {
	s, ctx := open(t, Config{}), t.Context()
	want := func(want time.Time) {
		t.Helper()
		if got, err := s.Seen(ctx, id("ANA@x")); !got.Equal(want) || err != nil {
			t.Errorf("seen %v, %v, want %v", got, err, want)
		}
	}
	want(time.Time{})
	for _, when := range []time.Time{time.UnixMilli(1_800_000_000_123), time.UnixMilli(1_700_000_000_000)} {
		if err := s.SetSeen(ctx, id("ana@x"), when); err != nil {
			t.Fatal(err)
		}
		want(when)
	}
	if err := s.Forget(ctx, id("ana@x")); err != nil {
		t.Fatal(err)
	}
	want(time.Time{})
}
