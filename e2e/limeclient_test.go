package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"limegrove/lime"
	"limegrove/lime/client"
)

// way is how clients of lime/client reach a cluster.
type way struct {
	name       string
	url        func(*edge) string
	encryption client.Encryption
}

func overTCP(e *edge) string { return "net.tcp://" + e.tcp }

// TestClientSeesEachMessageOnceWhenEdgesAreKilled: two accounts write to each other, each
// way some thousand messages, over every transport, while the edges that they are on are
// killed one after the other. None is lost, none is seen twice, and each comes in the
// order in which it was sent: design, promise P1, and what lime/client adds to it.
func TestClientSeesEachMessageOnceWhenEdgesAreKilled(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	trust := believe(t, certificate)
	for _, kind := range []struct {
		name  string
		flags []string
		ways  []way
	}{
		{"in clear", nil, []way{
			{"WebSocket", func(e *edge) string { return e.url }, client.PreferTLS},
			{"TCP", overTCP, client.PreferTLS},
		}},
		{"encrypted", []string{"-tls-cert", certificate, "-tls-key", key, "-tcp-encryption", "tls,none"}, []way{
			{"WebSocket over TLS", func(e *edge) string { return e.url }, client.RequireTLS},
			{"TCP with TLS", overTCP, client.RequireTLS},
		}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			c := startCluster(t, 3, append(kind.flags, "-tcp", address(0))...)
			var pairs []*conversation
			for _, w := range kind.ways {
				pairs = append(pairs, converse(t, c, w, trust))
			}
			running, ctx := errgroup.WithContext(t.Context())
			for _, p := range pairs {
				p.run(ctx, running)
			}
			for i, victim := range c.edges[:2] {
				share := (i + 1) * conversationLength / 3
				eventually(t, fmt.Sprintf("%d of %d messages", share, conversationLength), patience, func() error {
					if ctx.Err() != nil {
						return nil // one of them is wrong, as is told below
					}
					return pairs[0].wantSeen(share)
				})
				victim.kill()
			}
			if err := running.Wait(); err != nil {
				t.Fatal(err)
			}
			for _, p := range pairs {
				p.report(t)
			}
		})
	}
}

// conversationLength is how many messages each of two sends to the other.
const conversationLength = 2000

// conversation is two clients, each at the first edge, that know the others.
type conversation struct {
	way  way
	ends [2]*end
}

// end is one of the two.
type end struct {
	*client.Client
	sessions atomic.Int64
	seen     atomic.Int64 // of the other's messages
}

func converse(t *testing.T, c *cluster, w way, trust *tls.Config) *conversation {
	t.Helper()
	p := &conversation{way: w}
	for i, like := range []string{"ana", "rui"} {
		name := c.name(like)
		e := &end{}
		cfg := client.Config{
			Node:   lime.MustParseNode(name + "@" + domain + "/home"),
			Scheme: client.Plain(client.Fixed(password)), Presence: &lime.Presence{Status: lime.StatusAvailable},
			Encryption: w.encryption, TLS: trust,
			OnStatus: func(s client.Status) {
				if s.State == client.StateOnline {
					e.sessions.Add(1)
				}
			},
		}
		for _, other := range c.edges[1:] {
			cfg.Servers = append(cfg.Servers, w.url(other))
		}
		makeAccount(t, w.url(c.edges[0]), cfg)
		var err error
		if e.Client, err = client.Dial(t.Context(), w.url(c.edges[0]), cfg); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			e.Close()
			<-e.Done()
		})
		p.ends[i] = e
	}
	return p
}

// makeAccount has a guest make an account for whom cfg says.
func makeAccount(t *testing.T, url string, cfg client.Config) {
	t.Helper()
	guest := client.Config{Encryption: cfg.Encryption, TLS: cfg.TLS}
	maker, err := client.Dial(t.Context(), url, guest)
	if err != nil {
		t.Fatal(err)
	}
	defer maker.Close()
	account, err := json.Marshal(map[string]string{"password": secret(password)})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a guest makes an account", patience, func() error {
		_, err := maker.Command(t.Context(), &lime.Command{
			From: lime.Node{Identity: cfg.Node.Identity}, PP: maker.Node(), Method: lime.MethodSet, URI: "/account",
			Type: lime.MediaAccount, Resource: account,
		})
		return err
	})
}

// run has both write and read until each has seen all of the other's messages.
func (p *conversation) run(ctx context.Context, g *errgroup.Group) {
	for i, e := range p.ends {
		other := p.ends[1-i].Node()
		g.Go(func() error { return e.write(ctx, other) })
		g.Go(func() error {
			if err := e.read(ctx, other); err != nil {
				return fmt.Errorf("%s, %s: %w", p.way.name, e.Node(), err)
			}
			return nil
		})
	}
}

// write publishes the numbers from 0 on.
func (e *end) write(ctx context.Context, to lime.Node) error {
	all := make([]*client.Publication, conversationLength)
	for i := range all {
		number := strconv.Itoa(i)
		var err error
		all[i], err = e.PublishAsync(ctx, &lime.Message{ID: number, To: to, Type: lime.MediaText, Content: []byte(`"` + number + `"`)})
		if err != nil {
			return err
		}
	}
	for _, one := range all {
		if err := one.Wait(ctx); err != nil {
			return fmt.Errorf("publish %s: %w", one.ID(), err)
		}
	}
	return nil
}

// read takes the numbers from 0 on, and no other.
func (e *end) read(ctx context.Context, from lime.Node) error {
	next := 0
	for m, err := range e.Messages(ctx) {
		if err != nil {
			return err
		}
		if m.From != from || string(m.Content) != strconv.Quote(strconv.Itoa(next)) {
			return fmt.Errorf("%s of %s came for %d", m.Content, m.From, next)
		}
		next++
		if e.seen.Store(int64(next)); next == conversationLength {
			return nil
		}
	}
	return e.Err()
}

// wantSeen returns an error unless both have seen so many messages.
func (p *conversation) wantSeen(n int) error {
	for _, e := range p.ends {
		if seen := int(e.seen.Load()); seen < n {
			return fmt.Errorf("%s has seen %d", e.Node(), seen)
		}
	}
	return nil
}

// report tells what it took, and makes sure that nothing came behind.
func (p *conversation) report(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, e := range p.ends {
		if err := e.Shutdown(ctx); err != nil {
			t.Errorf("%s, %s: %v", p.way.name, e.Node(), err)
		}
		t.Logf("%s, %s: saw %d in %d sessions, and dropped %d that came again", p.way.name, e.Node(), e.seen.Load(),
			e.sessions.Load(), e.Dropped(client.DropDuplicate))
		if n := e.sessions.Load(); n < 3 {
			t.Errorf("%s, %s: %d sessions on three edges of which two were killed", p.way.name, e.Node(), n)
		}
	}
}

// believe is a configuration of TLS that believes one certificate.
func believe(t *testing.T, certificate string) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("%s holds no certificate", certificate)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}
