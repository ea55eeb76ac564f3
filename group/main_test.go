package group

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"limegrove/internal/natstest"
	"limegrove/lime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ops = lime.MustParseIdentity("Ops@groups.x")
	ana = lime.MustParseIdentity("Ana@x")
	rui = lime.MustParseIdentity("rui@x")
	lia = lime.MustParseIdentity("lia@x")
)

// patience bounds a test; only a very busy machine comes near. Without it the client would
// wait for an answer of JetStream as long as it does by itself, which is less.
const patience = time.Minute

// world is a store of the test's own.
type world struct {
	testing.TB
	context.Context
	*Store
}

func newWorld(t testing.TB, cfg Config) world {
	t.Helper()
	cfg.JetStream = natstest.JetStream(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	s, err := Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return world{t, ctx, s}
}

func (w world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// create makes a group that Ana owns.
func (w world) create(g Group) Group {
	w.Helper()
	g.Creator = ana
	w.must(w.Create(w, g))
	g, err := w.Get(w, g.Identity)
	w.must(err)
	return g
}

func (w world) set(g Group, who lime.Identity, r Role) error {
	now, err := w.Get(w, g.Identity)
	w.must(err)
	return w.Set(w, now, Member{Address: lime.Node{Identity: who}, Role: r})
}

// wantMembers fails the test unless just these, as "name role", are in a group, and each
// finds it among its own.
func (w world) wantMembers(what string, group lime.Identity, want ...string) {
	w.Helper()
	r, err := w.Roster(w, group, 0)
	w.must(err)
	var got []string
	for _, m := range r.Members {
		got = append(got, strings.TrimSpace(m.Address.Name+" "+m.Role.String()))
		of, err := w.GroupsOf(w, m.Address.Identity)
		w.must(err)
		if len(of) != 1 || !of[0].Identity.EqualFold(group) {
			w.Errorf("%s: %s is in %v", what, m.Address, of)
		}
		one, err := w.Member(w, r.Group, m.Address.Identity)
		if err != nil || one.Role != m.Role {
			w.Errorf("%s: alone %s is %v, %v", what, m.Address, one, err)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("%s: in %s are %q, want %q", what, group, got, want)
	}
}

// wantReason fails the test unless err is that reason.
func wantReason(t testing.TB, what string, err error, want *lime.Reason) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
