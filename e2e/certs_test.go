package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/certs"
	"limegrove/lime"
	"limegrove/lime/client"
)

// certified is a cluster with an authority of its own, and an operator at a shell.
type certified struct {
	*cluster
	folder   string
	flags    []string // of its edges
	operator *shell
	reloads  float64
	api      *caller
	apiAdmin string
}

func startCertified(t *testing.T, settings ...string) *certified {
	t.Helper()
	c := &certified{folder: filepath.Join(t.TempDir(), "certs")}
	newShell(t).does(0, "server.pem", "", "certs", "create", c.folder, loopback)
	nats := startNATS(t)
	c.cluster = &cluster{nats: nats, broker: nats.url, settings: append(settings, "-authority", c.folder)}
	c.flags = []string{"-auth", "transport,guest", "-tls-cert", c.in("server.pem"), "-tls-key", c.in("server.key")}
	c.start(t, 2, c.flags...)
	c.apiAdmin = address(freePorts(t, 1))
	c.api = c.startBackend(t, "router-api", "-admin", c.apiAdmin)
	c.operator = newShell(t, "LIME_API="+c.api.url, "LIMEGROVE_API_KEY="+bootstrapKey)
	return c
}

func (c *certified) in(file string) string { return filepath.Join(c.folder, file) }

// login has a client log in with the default certificate, or one that it has.
func (c *certified) login(s *shell, status int, says string, at *edge, identity string) {
	s.t.Helper()
	s.does(status, says, "", "login", at.url, identity, "--ca", c.in("authorities.pem"), "--certificate", c.in("default.pem"))
}

// reload has all read their files again.
func (c *certified) reload(t *testing.T) {
	t.Helper()
	c.reloads++
	for _, e := range c.edges {
		e.process.reload(t, e.admin, "done", c.reloads)
	}
	c.router.reload(t, c.routerAdmin, "done", c.reloads)
	c.api.at.reload(t, c.apiAdmin, "done", c.reloads)
}

// TestClientsAreIssuedCertificates of their own by the first who asks, on whichever edge, and are cut off by a revocation on all.
func TestClientsAreIssuedCertificates(t *testing.T) {
	t.Parallel()
	c := startCertified(t)
	ana, bia := c.name("ana")+"@"+domain, c.name("bia")+"@"+domain
	hers, his := newShell(t), newShell(t)
	c.login(hers, 0, ana, c.edges[0], ana)
	c.login(his, 5, "The name is taken", c.edges[1], ana)
	c.login(his, 5, "The name is taken", c.edges[0], strings.ToUpper(ana[:1])+ana[1:])
	c.login(hers, 0, ana, c.edges[1], ana) // by what it has, at the other edge
	c.login(his, 0, bia, c.edges[0], bia)
	for _, bad := range []string{"a/../b@" + domain, "postmaster@" + domain, "x@elsewhere.example"} {
		p := newShell(t).begins("", "login", c.edges[0].url, bad, "--ca", c.in("authorities.pem"), "--certificate", c.in("default.pem"))()
		if p.status == 0 {
			t.Errorf("%s is issued a certificate: %s", bad, p.out)
		}
	}
	c.operator.does(0, ana, "", "certs", "list")
	c.operator.does(0, ana, "", "certs", "list", ana, "-o", "json")

	// One session at each edge, and a third that is another's.
	var ends []func() printed
	for i, at := range c.edges {
		ends = append(ends, hers.begins("", "listen", "--server", at.url, "--as", ana+"/"+[]string{"one", "two"}[i]))
	}
	other := his.begins("", "listen", "--server", c.edges[1].url, "--as", bia+"/one", "--count", "1")
	for i, at := range c.edges {
		wantMetric(t, at.admin, "limegrove_edge_sessions", []float64{1, 2}[i])
	}
	c.operator.does(0, "1 revoked", "", "certs", "revoke", ana, "--because", "stolen")
	for _, end := range ends {
		if p := end(); p.status != 5 || !strings.Contains(p.errs, "The certificate was revoked") {
			t.Errorf("a session by what was revoked: status %d, %s%s", p.status, p.out, p.errs)
		}
	}
	his.does(0, "accepted", "", "send", bia, "are you there?", "--server", c.edges[0].url)
	if p := other(); p.status != 0 || !strings.Contains(p.out, "are you there?") {
		t.Errorf("a session by another certificate: status %d, %s%s", p.status, p.out, p.errs)
	}
	refused := func(at *edge) {
		t.Helper()
		hers.does(3, "bad certificate", "", "send", bia, "x", "--server", at.url)
	}
	refused(c.edges[0])
	refused(c.edges[1])
	refused(c.addEdge(t, c.flags...)) // which has begun later
	c.login(newShell(t), 5, "The name is taken", c.edges[0], ana)

	// What is known counts on while nobody can be asked.
	c.nats.kill()
	refused(c.edges[0])
	c.nats.start(t)
	eventually(t, "the broker is back", patience, func() error {
		if p := his.begins("", "send", bia, "again", "--server", c.edges[0].url)(); p.status != 0 {
			return errors.New(p.errs)
		}
		return nil
	})
	eventually(t, "the name is given free", patience, func() error {
		if p := c.operator.begins("", "certs", "revoke", ana, "--free")(); p.status != 0 {
			return errors.New(p.errs)
		}
		return nil
	})
	c.login(newShell(t), 0, ana, c.edges[1], ana)

	c.operator.does(0, "1 revoked", "", "certs", "revoke", "--file", c.in("default.pem"))
	eventually(t, "the default certificate opens nothing", patience, func() error {
		if p := newShell(t).begins("", "login", c.edges[0].url, "new@"+domain, "--ca", c.in("authorities.pem"), "--certificate", c.in("default.pem"))(); p.status == 0 {
			return errors.New(p.out)
		}
		return nil
	})
}

// TestAnAuthorityIsRotated in the steps of the command, and no session ends.
func TestAnAuthorityIsRotated(t *testing.T) {
	t.Parallel()
	c := startCertified(t)
	bot, lia := c.name("bot")+"@"+domain, c.name("lia")+"@"+domain
	old := filepath.Join(t.TempDir(), "bot.pem")
	c.operator.does(0, "bot.pem", "", "certs", "issue", bot, "--out", old)
	c.operator.does(2, "is there already", "", "certs", "issue", bot, "--out", old)
	his := newShell(t)
	his.does(0, bot, "", "login", c.edges[0].url, bot, "--certificate", old)
	heard := his.begins("", "listen", "--as", bot+"/open", "--count", "4")
	wantMetric(t, c.edges[0].admin, "limegrove_edge_sessions", 1)
	tell := func(s *shell, what string) {
		t.Helper()
		s.does(0, "consumed", "", "send", bot, what, "--wait", "consumed", "--server", c.edges[1].url)
	}
	tell(his, "before")
	c.operator.does(2, "the first step is add", "", "certs", "rotate", "use", c.folder)
	c.operator.does(0, "next.pem", "", "certs", "rotate", "add", c.folder)
	c.reload(t)
	c.operator.does(0, "previous.pem", "", "certs", "rotate", "use", c.folder)
	c.operator.does(2, "is there already", "", "certs", "server", c.folder, loopback)
	c.operator.does(0, "server.pem", "", "certs", "server", c.folder, loopback, "--replace")
	c.reload(t)
	hers := newShell(t)
	c.login(hers, 0, lia, c.edges[0], lia) // the default one is of the authority before, hers of the new one
	tell(hers, "by both authorities")
	// What was issued before is believed, and believes the new authority when it was renewed; till then it is told by --ca.
	his.does(0, "accepted", "", "send", bot, "meanwhile", "--ca", c.in("authorities.pem"))
	c.operator.does(0, "authorities.pem", "", "certs", "rotate", "drop", c.folder)
	c.reload(t)
	tell(hers, "after")
	if p := heard(); p.status != 0 || strings.Count(p.out, "\n") != 4 || strings.Contains(p.errs, "again") {
		t.Errorf("the session that was open throughout: status %d, %s%s", p.status, p.out, p.errs)
	}
	his.does(3, "certificate", "", "send", bot, "too late", "--ca", c.in("authorities.pem"))
}

// TestCertificatesWithLeastRights: an edge may do with the stores what it does for certificates, and write none.
func TestCertificatesWithLeastRights(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	folder := filepath.Join(t.TempDir(), "certs")
	newShell(t).does(0, "server.pem", "", "certs", "create", folder, loopback)
	c := &certified{cluster: s.cluster, folder: folder}
	c.settings = []string{"-domain", domain, "-gossip-key", "aHVudGVyMmh1bnRlcjJodW50ZXIyISEh", "-partitions", "16", "-authority", folder}
	c.start(t, 1, "-auth", "transport", "-tls-cert", c.in("server.pem"), "-tls-key", c.in("server.key"))
	ana := newShell(t)
	c.login(ana, 0, "ana@", c.edges[0], "ana@"+domain)
	c.login(newShell(t), 5, "The name is taken", c.edges[0], "ana@"+domain)
	ana.begins("", "accounts", "delete", "--self")() // it may hear of its own end before the answer
	eventually(t, "what was revoked is known", patience, func() error {
		if p := ana.begins("", "ping")(); p.status == 0 {
			return errors.New(p.out)
		}
		return nil
	})
	if log, _ := s.nats.output.read(); strings.Contains(string(log), "Violation") {
		t.Error("somebody may not do what he does; see what nats-server has printed")
	}
}

// TestAClientRenewsItsCertificate in its session, which goes on; connections that begin then show the new one.
func TestAClientRenewsItsCertificate(t *testing.T) {
	t.Parallel()
	c := startCertified(t)
	node := lime.Node{Identity: lime.Identity{Name: c.name("kiosk"), Domain: domain}, Instance: "one"}
	text, err := os.ReadFile(c.in("authorities.pem"))
	must(t, err)
	believed := x509.NewCertPool()
	believed.AppendCertsFromPEM(text)
	shared, err := tls.LoadX509KeyPair(c.in("default.pem"), c.in("default.key"))
	must(t, err)
	file := filepath.Join(t.TempDir(), "own", "kiosk.pem")
	ask := client.Config{Node: node, TLS: &tls.Config{RootCAs: believed, Certificates: []tls.Certificate{shared}}}
	own, err := client.IssueCertificate(t.Context(), c.edges[0].url, ask, file)
	must(t, err)
	if _, err := client.IssueCertificate(t.Context(), c.edges[0].url, ask, file); err == nil {
		t.Error("what was issued is overwritten")
	}
	if _, err := client.IssueCertificate(t.Context(), c.edges[1].url, ask, file+"2"); lime.AsReason(err) == nil || lime.AsReason(err).Code != lime.CodeCommandNotAllowed {
		t.Errorf("the name again: %v", err)
	}
	first := own.Leaf().SerialNumber
	cfg := client.Config{Node: node, TLS: &tls.Config{RootCAs: believed}, SendOnly: true}
	own.Use(&cfg)
	session, err := client.Dial(t.Context(), c.edges[0].url, cfg)
	must(t, err)
	defer session.Close()
	must(t, own.Renew(t.Context(), session))
	again, err := client.OpenCertificate(file)
	must(t, err)
	if now := own.Leaf().SerialNumber; now.Cmp(first) == 0 || again.Leaf().SerialNumber.Cmp(now) != 0 {
		t.Errorf("the first is %x, now %x, and %x is kept", first, now, again.Leaf().SerialNumber)
	}
	if _, err := session.Command(t.Context(), &lime.Command{Method: lime.MethodGet, URI: "/certificates"}); err != nil {
		t.Errorf("in the session that was renewed: %v", err)
	}
	// The first one counts no more, and with it the connection that has shown it; the next shows the other.
	c.operator.does(0, "1 revoked", "", "certs", "revoke", hex.EncodeToString(first.Bytes()))
	<-session.Done()
	if err := session.Err(); lime.AsReason(err) == nil || lime.AsReason(err).Code != lime.CodeSessionAuthenticationFailed {
		t.Errorf("the session by the first one ends with %v", err)
	}
	session, err = client.Dial(t.Context(), c.edges[1].url, cfg)
	must(t, err)
	session.Close()
}

// TestFilesByAnOwnAuthority: who believes it by --ca, or by a certificate of it, moves files at the edges that it has certified.
func TestFilesByAnOwnAuthority(t *testing.T) {
	t.Parallel()
	at := address(freePorts(t, 1))
	c := startCertified(t, "-files-url", "https://"+at)
	c.addEdge(t, append([]string{"-files", at}, c.flags...)...)
	ana, bia := c.name("ana")+"@"+domain, c.name("bia")+"@"+domain
	hers, his := newShell(t), newShell(t)
	c.login(hers, 0, ana, c.edges[0], ana)
	c.login(his, 0, bia, c.edges[1], bia)
	dir := t.TempDir()
	sent := filepath.Join(dir, "cat.txt")
	must(t, os.WriteFile(sent, []byte("a cat"), 0o600))
	hers.does(0, "cat.txt", "", "files", "send", bia, sent)
	got := his.does(0, "cat.txt", "", "files", "get", "--count", "1", "--into", filepath.Join(dir, "got"))
	path, _, _ := strings.Cut(got, ", ")
	if b, err := os.ReadFile(path); err != nil || string(b) != "a cat" {
		t.Errorf("%q has come, %v", b, err)
	}
	list := hers.does(0, "cat.txt", "", "files", "list", "-o", "json")
	var file struct{ URI string }
	must(t, json.Unmarshal([]byte(list), &file))
	newShell(t).does(3, "authority", "", "files", "get", "--link", file.URI, "--into", dir, "--timeout", "2s")
	newShell(t).does(0, "cat", "", "files", "get", "--link", file.URI, "--into", dir, "--ca", c.in("authorities.pem"))
	cia, own, its := c.name("cia")+"@"+domain, filepath.Join(dir, "cia.pem"), newShell(t)
	c.operator.does(0, "good until", "", "certs", "issue", cia, "--out", own)
	its.does(0, cia, "", "login", c.edges[1].url, cia, "--certificate", own)
	its.does(0, "cat", "", "files", "get", "--link", file.URI, "--into", dir)
}

// TestWhoListensRenewsACertificate when that is due, in a session that goes on.
func TestWhoListensRenewsACertificate(t *testing.T) {
	t.Parallel()
	c := startCertified(t)
	ana := lime.MustParseNode(c.name("ana") + "@" + domain).Identity
	folder, err := certs.ReadFolder(c.folder)
	must(t, err)
	key, err := certs.NewKey()
	must(t, err)
	own, err := folder.Authority.Client(ana, key.Public(), 174*time.Second) // dated back by five minutes: due in sixteen seconds
	must(t, err)
	secret, err := certs.EncodeKey(key)
	must(t, err)
	file := filepath.Join(t.TempDir(), "ana.pem")
	must(t, os.WriteFile(file, slices.Concat(certs.EncodeCertificates(own), secret, certs.EncodeCertificates(folder.Authorities...)), 0o600))
	hers := newShell(t)
	hers.does(0, ana.String(), "", "login", c.edges[0].url, ana.String(), "--ca", c.in("authorities.pem"), "--certificate", file)
	ends := hers.begins("", "listen", "--count", "1")
	wantMetric(t, c.edges[0].admin, "limegrove_edge_sessions", 1)
	if kept, err := client.OpenCertificate(file); err != nil || !kept.Leaf().Equal(own) {
		t.Fatalf("it was renewed before it was due, or the machine is slow: %v", err)
	}
	eventually(t, "another one is kept", patience, func() error {
		kept, err := client.OpenCertificate(file)
		if err == nil && kept.Leaf().Equal(own) {
			err = errors.New("the first one is kept")
		}
		return err
	})
	c.operator.does(0, ana.String(), "", "certs", "list", ana.String())
	hers.does(0, "accepted", "", "send", ana.String(), "hello", "--server", c.edges[1].url)
	if p := ends(); p.status != 0 || !strings.Contains(p.out, "hello") {
		t.Errorf("status %d, %s%s", p.status, p.out, p.errs)
	}
}
