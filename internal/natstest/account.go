package natstest

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Account is the server as an account of the test's sees it, for a test that needs streams
// of its own and no server of its own: to start three takes longer than most tests. Accounts
// share neither subjects nor streams, whatever the names of those are. A test has one. Its
// streams are deleted when the test ends.
func (s *Server) Account(t testing.TB) *Server {
	t.Helper()
	a := s.as(t)
	a.deleteStreams()
	return a
}

// Account is Server.Account on every server of the cluster.
func (c *Servers) Account(t testing.TB) *Servers {
	t.Helper()
	a := &Servers{t: t}
	for _, s := range c.Members {
		a.Members = append(a.Members, s.as(t))
	}
	a.Members[0].deleteStreams()
	return a
}

// unnameable is what no account may have in its name, which is a word of the protocol
// between servers, a token of subjects and the name of a folder.
var unnameable = regexp.MustCompile(`[^A-Za-z0-9_-]`)

func (s *Server) as(t testing.TB) *Server {
	t.Helper()
	name := unnameable.ReplaceAllString(t.Name(), "_")
	account, err := s.srv.RegisterAccount(name)
	if err != nil {
		t.Fatalf("natstest: account %s: %v", name, err)
	}
	if err := account.EnableJetStream(nil, nil); err != nil {
		t.Fatalf("natstest: JetStream for account %s: %v", name, err)
	}
	return &Server{t: t, srv: s.srv, account: name}
}

// deleteStreams deletes them when the test ends, lest those of tests that are over keep
// the servers busy. One that is left does no harm.
func (s *Server) deleteStreams() {
	s.t.Cleanup(func() {
		nc, err := nats.Connect(nats.DefaultURL, nats.InProcessServer(s.srv), nats.UserInfo(s.account, ""))
		if err != nil {
			s.t.Errorf("natstest: account %s: %v", s.account, err)
			return
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			s.t.Errorf("natstest: account %s: %v", s.account, err)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		for name := range js.StreamNames(ctx).Name() {
			_ = nc.Publish("$JS.API.STREAM.DELETE."+name, nil) // nobody waits for it
		}
		_ = nc.Flush()
	})
}

// sharedAuth lets everybody in without a password. The user's name is that of the account;
// nobody's is the global one.
type sharedAuth struct {
	srv *server.Server // set before it starts
}

// Check implements [server.Authentication].
func (a *sharedAuth) Check(c server.ClientAuthentication) bool {
	name := c.GetOpts().Username
	if name == "" {
		name = server.DEFAULT_GLOBAL_ACCOUNT
	}
	account, err := a.srv.LookupAccount(name)
	if err != nil {
		return false
	}
	c.RegisterUser(&server.User{Username: name, Account: account})
	return true
}
