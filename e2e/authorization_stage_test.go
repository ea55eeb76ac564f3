package e2e

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/account"
	"limegrove/delegation"
	edges "limegrove/edge"
	"limegrove/edge/auth"
	"limegrove/group"
	"limegrove/internal/natstest"
	"limegrove/internal/redistest"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/router"
	"limegrove/routing"
	"limegrove/routing/fanout"
	"limegrove/routing/interest"
	"limegrove/routing/stream"
)

// The matrix is played by a real edge, its routing and a router in this process: only who
// somebody is, and with what authority, is settled by the name alone.
//
//	ana     has an account, and gives whole and narrow what their names say
//	whole   may do everything in ana's name
//	narrow  may send texts in ana's name, and get her contacts
//	rui     a member whom nobody has given anything
//	gw      has authority over t.org
//	root    has authority over t.org and the domains below
//	zed     a guest
var actors = []string{"ana", "whole", "narrow", "rui", "gw", "root", "zed"}

type stageAuthenticator struct{}

func (stageAuthenticator) Authenticate(_ context.Context, r auth.Request) (auth.Grant, error) {
	g := auth.Grant{Identity: r.Node.Identity, Role: lime.RoleMember}
	switch r.Node.Name {
	case "gw":
		g.Role = lime.RoleAuthority
	case "root":
		g.Role = lime.RoleRootAuthority
	case "zed":
		g.Guest = true
	}
	return g, nil
}

// stageHasher makes hashes of passwords that nobody is asked for.
type stageHasher struct{}

func (stageHasher) Hash(password []byte) (string, error) { return string(password), nil }

func (stageHasher) Matches(password []byte, hash string) (bool, error) {
	return string(password) == hash, nil
}

// stagePlace fits routing to the edge, as cmd/edge does.
type stagePlace struct{ hubs *routing.Hubs }

func (p stagePlace) Attach(ctx context.Context, a edges.Arrival, to edges.Recipient) (edges.Member, error) {
	m, err := p.hubs.Attach(ctx, routing.Arrival(a), to)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (p stagePlace) Name(n lime.Node, session string) (lime.Packed, bool) {
	return p.hubs.Name(n, session)
}

type stageDelegations struct{ *delegation.Store }

func (d stageDelegations) GivenTo(ctx context.Context, target lime.Identity) (all []routing.Delegated, _ error) {
	given, err := d.To(ctx, target)
	for _, g := range given {
		all = append(all, routing.Delegated(g))
	}
	return all, err
}

// play is who is in a matrix, and what was given before it begins. Who has no domain is of
// t.org.
type play struct {
	actors, accounts []string
	given            map[string][]string // delegations, by their owners
	stored           bool                // messages with an id are, and there are groups
}

// stageGroups fits groups to routing, as the programs do.
type stageGroups struct{ *group.Store }

func (g stageGroups) Roster(ctx context.Context, id lime.Identity, least uint64) (fanout.Roster, error) {
	all, err := g.Store.Roster(ctx, id, least)
	r := fanout.Roster{Group: all.Identity, Revision: all.Revision}
	for _, m := range all.Members {
		r.Members = append(r.Members, fanout.Member{Address: m.Address, MaySend: m.Role.May(group.Send, all.Type)})
	}
	return r, err
}

// matrix is the sessions of all actors, and one to which they send.
type matrix struct {
	by     map[string]*session
	sink   *session
	groups *group.Store
	made   int // groups, and messages to them
}

// of is an actor's identity.
func of(who string) lime.Identity {
	return lime.MustParseNode(who).WithDefaults("t.org").Identity
}

// newMatrix has all actors log in, and more.
func newMatrix(t *testing.T, more ...string) *matrix {
	t.Helper()
	return newMatrixOf(t, play{actors: slices.Concat(actors, more), accounts: []string{"ana", "bia"}, given: map[string][]string{"ana": {
		`{"target":"whole"}`,
		`{"target":"narrow","messages":[{"type":"text/plain"}],"envelopeTypes":["message","command"],"commands":[{"method":"get","uri":"/contacts"}]}`,
	}}})
}

func newMatrixOf(t *testing.T, p play) *matrix {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	server, redis := natstest.New(t), redistest.Start(t)
	store, err := presence.Open(presence.Config{URL: redis.URL()})
	must(err)
	t.Cleanup(func() { _ = store.Close() })
	nc := server.Connect(interest.Option())
	js, err := jetstream.New(nc)
	must(err)
	domains := []string{"t.org", "sub.t.org"}
	r, err := router.New(t.Context(), router.Config{
		NATS: server.Connect(), Registry: store, Incarnation: "r", ID: "r", Domains: domains,
	})
	must(err)
	accounts, err := account.Open(t.Context(), account.Config{JetStream: js, Hasher: stageHasher{}})
	must(err)
	for _, who := range p.accounts {
		must(accounts.Create(t.Context(), account.Account{Identity: of(who)}, []byte("secret")))
	}
	granted, err := delegation.Open(t.Context(), delegation.Config{JetStream: js})
	must(err)
	for owner, all := range p.given {
		for _, given := range all {
			d, err := lime.ParseDelegation([]byte(given), of(owner))
			must(err)
			_, err = granted.Grant(t.Context(), of(owner), d)
			must(err)
		}
	}
	m := &matrix{by: map[string]*session{}}
	cfg := routing.Config{NATS: nc, Registry: store, Delegations: stageDelegations{granted}, Edge: "e", ID: "e", Domains: domains}
	ctx, cancel := context.WithCancel(context.Background())
	runs := []func() error{func() error { return r.Run(ctx) }}
	if p.stored {
		streams, err := stream.Open(t.Context(), stream.Config{NATS: nc})
		must(err)
		t.Cleanup(streams.Close)
		m.groups, err = group.Open(t.Context(), group.Config{JetStream: js})
		must(err)
		cfg.Streams, cfg.Groups = streams, stageGroups{m.groups}
		fan := fanout.New(fanout.Config{
			NATS: server.Connect(), Streams: streams, Leases: store, Groups: stageGroups{m.groups}, Router: "r", ID: "r",
		})
		runs = append(runs, func() error { fan.Run(ctx); return nil })
	}
	hubs := routing.New(cfg)
	e, err := edges.New(edges.Config{ID: "e", Domains: domains, Router: stagePlace{hubs}, Authenticator: stageAuthenticator{}})
	must(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)

	var running sync.WaitGroup
	for _, run := range append(runs, func() error { return hubs.Run(ctx) }, e.Run, func() error { return e.Serve(ctx, ln) }) {
		running.Go(func() {
			if err := run(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		e.Close()
		cancel()
		running.Wait()
	})
	for _, who := range append(slices.Clone(p.actors), "sink") {
		s := dial(t, goLibrary)
		answer, err := s.client.Login("ws://"+ln.Addr().String(), Login{Identity: of(who).String(), Instance: "1"})
		if err != nil || answer.State != "established" {
			t.Fatalf("%s logs in: %s, %v", who, answer, err)
		}
		s.node, s.server = answer.To, answer.From
		m.by[who] = s
	}
	m.sink = m.by["sink"]
	eventually(t, "a router answers", patience, func() error {
		if answer := m.sink.get("/nothing"); answer.Reason == nil || answer.Reason.Code != 62 {
			return fmt.Errorf("it says %s", answer)
		}
		return nil
	})
	return m
}
