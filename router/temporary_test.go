package router

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus/hooks/test"

	"limegrove/group"
	"limegrove/internal/complaint"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/presence"
)

// present is who is in session, as a test says.
type present struct {
	nodes []string
	held  bool
	err   error
	of    string // whom err is of; "" for all
	asked []string
	after func() // is called when somebody was asked about
}

func (p *present) View(_ context.Context, i lime.Identity) (v presence.View, err error) {
	for _, n := range p.nodes {
		if node := lime.MustParseNode(n); node.Identity.EqualFold(i) {
			v.Registrations = append(v.Registrations, presence.Registration{Node: node})
		}
	}
	p.asked = append(p.asked, i.Name)
	if p.after != nil {
		p.after()
	}
	if p.of != "" && p.of != i.Name {
		return v, nil
	}
	return v, p.err
}

func (p *present) Hold(context.Context, string, presence.EdgeID, time.Duration) (bool, error) {
	return p.held, nil
}

func TestTemporaryGroupEndsWithItsSession(t *testing.T) {
	groups, err := group.Open(t.Context(), group.Config{JetStream: natstest.JetStream(t)})
	if err != nil {
		t.Fatal(err)
	}
	log, _ := test.NewNullLogger()
	here := &present{nodes: []string{"ana@t.org/home"}, held: true}
	look := &temporaries{sessions: here, groups: groups, domains: []string{"t.org"}, warn: &complaint.Log{Logger: log}}
	brief, lasting := lime.MustParseIdentity("brief@groups.t.org"), lime.MustParseIdentity("lasting@groups.t.org")
	for id, in := range map[lime.Identity]group.Type{brief: group.Temporary, lasting: group.Private} {
		g := group.Group{Identity: id, Type: in, Creator: lime.MustParseIdentity("ana@t.org"), Session: lime.MustParseNode("ANA@t.org/home")}
		if err := groups.Create(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	want := func(what string, after time.Duration, there bool) {
		t.Helper()
		now = now.Add(after)
		if err := look.look(t.Context(), now); !errors.Is(err, here.err) {
			t.Fatalf("%s: %v", what, err)
		}
		if _, err := groups.Get(t.Context(), brief); (err == nil) != there {
			t.Errorf("%s: the group is there: %v, want %v", what, err == nil, there)
		}
	}
	want("in session", 0, true)
	want("for long", temporaryGrace, true)
	here.nodes = []string{"ana@t.org/phone"}
	want("another session is none", temporaryEvery, true)
	want("away for a while", temporaryGrace-1, true)
	here.nodes = []string{"ana@t.org/home"}
	want("and back", temporaryEvery, true)
	here.nodes = nil
	want("away again", temporaryEvery, true)
	here.err = errors.New("Redis is away")
	want("nobody can tell", temporaryGrace, true)
	here.err = nil
	want("another router looks", 0, true)
	here.held = false
	want("as it has", temporaryGrace, true)
	here.held = true
	want("this one looks again", temporaryGrace, true)
	want("away for long enough", temporaryGrace, false)
	if _, err := groups.Get(t.Context(), lasting); err != nil {
		t.Errorf("a group that is not temporary: %v", err)
	}
}

func TestATemporaryGroupThatCannotBeLookedAtHoldsUpNoOther(t *testing.T) {
	groups, err := group.Open(t.Context(), group.Config{JetStream: natstest.JetStream(t)})
	if err != nil {
		t.Fatal(err)
	}
	log, _ := test.NewNullLogger()
	here := &present{held: true, err: errors.New("it cannot be read"), of: "bia"}
	look := &temporaries{sessions: here, groups: groups, domains: []string{"t.org"}, warn: &complaint.Log{Logger: log}}
	names := []string{"ana", "bia", "cia"}
	for _, name := range names {
		owner := lime.Identity{Name: name, Domain: "t.org"}
		g := group.Group{Identity: lime.Identity{Name: name, Domain: "groups.t.org"}, Type: group.Temporary, Creator: owner, Session: lime.Node{Identity: owner, Instance: "1"}}
		if err := groups.Create(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (all []string) {
		found, err := groups.TemporaryIn(t.Context(), "groups.t.org")
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range found {
			all = append(all, g.Identity.Name)
		}
		return all
	}
	now := time.Now()
	for range 2 {
		if err := look.look(t.Context(), now); !errors.Is(err, here.err) {
			t.Errorf("what went wrong is %v", err)
		}
		now = now.Add(temporaryGrace)
	}
	if got := left(); !slices.Equal(got, []string{"bia"}) {
		t.Errorf("left are %v, want the one that cannot be looked at", got)
	}
}

func TestALookBeginsWhereTheLastCameToItsEnd(t *testing.T) {
	groups, err := group.Open(t.Context(), group.Config{JetStream: natstest.JetStream(t)})
	if err != nil {
		t.Fatal(err)
	}
	log, _ := test.NewNullLogger()
	here := &present{held: true}
	look := &temporaries{sessions: here, groups: groups, domains: []string{"t.org"}, warn: &complaint.Log{Logger: log}}
	for _, name := range []string{"ana", "bia", "cia"} {
		owner := lime.Identity{Name: name, Domain: "t.org"}
		g := group.Group{Identity: lime.Identity{Name: name, Domain: "groups.t.org"}, Type: group.Temporary, Creator: owner, Session: lime.Node{Identity: owner, Instance: "1"}}
		if err := groups.Create(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for _, want := range []string{"ana", "bia", "cia", "ana"} {
		ctx, cancel := context.WithCancel(t.Context())
		here.asked, here.after = nil, cancel // there is time for one
		if err := look.look(ctx, now); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", want, err)
		}
		if !slices.Equal(here.asked, []string{want}) {
			t.Errorf("it looked at %v, want %s", here.asked, want)
		}
	}
	if len(look.away) != 3 {
		t.Errorf("%d are known to be away, want 3", len(look.away))
	}
	here.after = nil
	if err := look.look(t.Context(), now.Add(temporaryGrace)); err != nil {
		t.Error(err)
	}
	if all, err := groups.TemporaryIn(t.Context(), "groups.t.org"); len(all) != 0 || err != nil {
		t.Errorf("%d are left, %v", len(all), err)
	}
}

func TestDeletedAccountIsInNoGroup(t *testing.T) {
	w := newWorld(t, Config{})
	js, err := jetstream.New(w.edgeNATS)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := group.Open(t.Context(), group.Config{JetStream: js})
	if err != nil {
		t.Fatal(err)
	}
	password := base64.StdEncoding.EncodeToString([]byte("secret"))
	register := `{"id":"1","from":"rui@t.org","pp":"rui@t.org/1","method":"set","uri":"/account",` +
		`"type":"application/vnd.lime.account+json","resource":{"password":"` + password + `"}}`
	guest := w.login("rui@t.org/1", true)
	guest.ask(register)
	guest.want("the account is made", "1", success, 0)
	rui := w.login("rui@t.org/2", false)
	rui.ask(`{"id":"2","from":"rui@t.org/2","method":"set","uri":"/groups/ops","type":"application/vnd.lime.group+json","resource":{"type":"public"}}`)
	rui.want("a group of his", "2", success, 0)
	rui.ask(`{"id":"3","from":"rui@t.org/2","method":"delete","uri":"/account"}`)
	rui.want("the account is deleted", "3", success, 0)
	if all, err := groups.GroupsOf(t.Context(), lime.MustParseIdentity("rui@t.org")); len(all) != 0 || err != nil {
		t.Errorf("it is in %v, %v", all, err)
	}
	if _, err := groups.Get(t.Context(), lime.MustParseIdentity("ops@groups.t.org")); !errors.Is(err, group.ErrNotFound) {
		t.Errorf("what nobody owns: %v", err)
	}
}
