package aioconnectors

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"strings"
	"testing"
	"time"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

// mint knows certificates by their common names: an identity, or default.
type mint struct {
	taken   map[string]bool // by identity
	revoked map[string]bool // by credential
	away    bool
}

func (m *mint) Bearer(shown []*x509.Certificate) (b Bearer, ok bool) {
	if len(shown) == 0 {
		return b, false
	}
	name := shown[0].Subject.CommonName
	if name == "default" {
		return Bearer{Default: true}, true
	}
	id, err := lime.ParseIdentity(name)
	return Bearer{Identity: id, Credential: "by-" + name, Expires: shown[0].NotAfter}, err == nil
}

func (m *mint) Counts(credential string) bool { return !m.revoked[credential] }

func (m *mint) Issue(_ context.Context, id lime.Identity) (certificate, key string, back func(), err error) {
	switch {
	case m.away:
		return "", "", nil, errors.New("the authority is away")
	case m.taken[id.String()]:
		return "", "", nil, errTaken
	}
	if m.taken == nil {
		m.taken = map[string]bool{}
	}
	m.taken[id.String()] = true
	return "CRT\n", "KEY\n", func() { delete(m.taken, id.String()) }, nil
}

func shows(name string) dialect.Peer {
	return dialect.Peer{Certificates: []*x509.Certificate{{Subject: pkix.Name{CommonName: name}, NotAfter: lastDay}}}
}

var lastDay = time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)

// says is the frame that stands for who shows a certificate.
func says(d *Stream, name string) []byte {
	first, _ := d.Opening(shows(name).Certificates)
	return first
}

// showing has a connector come in that shows a certificate.
func (m *mint) showing(name string, b Registry, frames ...[]byte) (d *Stream, c asking, login dialect.Login) {
	d = New(Config{Domain: domain, Rooms: "t.org", Server: server, TLS: true, Certificates: m, Registry: b})
	c = d.Accept().(asking)
	for _, f := range frames {
		peer := shows(name)
		_, peer.Known = d.Opening(peer.Certificates)
		if !c.Greet(f, peer) {
			break
		}
	}
	c.Ask(context.Background())
	return d, c, c.Login()
}

func wants(name, data string) []byte {
	return framed(`{"message_type":"_ssl","source_id":"`+name+`"}`, data)
}

func TestACertificateIsGivenOnceAndLetsItsOwnerIn(t *testing.T) {
	m := &mint{}
	early := framed(header("any", `,"transport_id":1`), "early")
	d, c, login := m.showing("default", nil, early, framed(`{"message_type":"_handshake_ssl","source_id":"eve"}`, "hello"), wants("Kiosk:7", `{"cmd": "get_new_certificate"}`))
	want := string(framed(`{"message_type":"_ssl","source_id":"`+server+`"}`, `{"cmd":"set_new_certificate","crt":"CRT\n","key":"KEY\n"}`))
	if frame, _ := c.End(login.Refused); login.Refused != certificateGiven || string(frame) != want {
		t.Fatalf("it is told %q (%v), want %q", frame, login.Refused, want)
	}
	if says(d, "default") != nil || says(d, "@") != nil {
		t.Error("who has none of its own says nothing first")
	}
	const own = "%4biosk%3a7@aio.t.org"
	_, c, login = m.showing(own, nil, says(d, own))
	if login.Refused != nil || login.Node.String() != own+"/connector" || login.Credential != "by-"+own || !login.Expires.Equal(lastDay) || c.name != "Kiosk:7" {
		t.Fatalf("it is let in as %v by %q until %v (%v)", login.Node, login.Credential, login.Expires, login.Refused)
	}
	if frame, ok := c.ToClient(nil, []byte(`{"id":"s","from":"postmaster@t.org/#e","state":"established"}`)); !ok || len(frame) > 0 {
		t.Errorf("it is told %q", frame)
	}
	if said := c.FromClient(framed(`{"message_type":"any","source_id":"kiosk8"}`, "x"), true); said.Drop != dropSource || said.Close {
		t.Errorf("as another it says %+v", said)
	}
}

func TestWithoutItsCertificateNobodyIsLetIn(t *testing.T) {
	for what, row := range map[string]struct {
		shown string
		first []byte
		why   *lime.Reason
	}{
		"a name that has one":        {"default", wants("kiosk7", `{"cmd":"get_new_certificate"}`), errTaken},
		"another command":            {"default", wants("kiosk8", `{"cmd":"set_new_certificate"}`), noCertificate},
		"no command":                 {"default", wants("kiosk8", "x"), noCertificate},
		"a token":                    {"default", wants("kiosk8", `{"cmd":"get_new_token"}`), noCertificate},
		"a path":                     {"default", wants("../kiosk", `{"cmd":"get_new_certificate"}`), noName},
		"the name of nobody yet":     {"default", wants("default7", `{"cmd":"get_new_certificate"}`), noName},
		"a name that is kept out":    {"default", wants("eve", `{"cmd":"get_new_certificate"}`), keptOut},
		"its owner is kept out":      {"eve@aio.t.org", opening, keptOut},
		"of another domain":          {"kiosk8@t.org", opening, noCertificate},
		"of what is no connector":    {"a.b@aio.t.org", opening, noCertificate},
		"of nobody":                  {"@", opening, noCertificate},
		"another spelling":           {"kiosk%38@aio.t.org", opening, noCertificate},
		"other capitals":             {"%4Biosk8@aio.t.org", opening, nil},
		"too many capitals":          {"default", wants(strings.Repeat("K", 100), `{"cmd":"get_new_certificate"}`), longName},
		"revoked since":              {"gone@aio.t.org", opening, keptOut},
		"by default, says something": {"default", framed(header("any", ""), "x"), errIgnored},
		"no frame":                   {"default", framed("[]", ""), noHandshake},
	} {
		m := &mint{taken: map[string]bool{"kiosk7@aio.t.org": true}, revoked: map[string]bool{"by-gone@aio.t.org": true}}
		_, c, login := m.showing(row.shown, &book{out: []string{"eve"}}, row.first)
		if row.why == nil {
			if login.Refused != nil {
				t.Errorf("%s: it is refused by %v", what, login.Refused)
			}
			continue
		}
		if frame, _ := c.End(login.Refused); login.Refused == nil || login.Refused.Description != row.why.Description || frame != nil {
			t.Errorf("%s: it is refused by %v, want %v, and told %q", what, login.Refused, row.why, frame)
		}
		if len(m.taken) != 1 {
			t.Errorf("%s: names are taken: %v", what, m.taken)
		}
	}
	if _, _, login := (&mint{away: true}).showing("default", nil, wants("kiosk7", `{"cmd":"get_new_certificate"}`)); login.Refused != noAnswer {
		t.Errorf("while there is no authority: %v", login.Refused)
	}
}

func TestOnlySoManyFramesCountForNothing(t *testing.T) {
	d := New(Config{Domain: domain, Rooms: "t.org", Server: server, TLS: true, Certificates: &mint{}})
	c, peer := d.Accept(), shows("default")
	_, peer.Known = d.Opening(peer.Certificates)
	n := 0
	for c.Greet(framed(header("any", ""), "x"), peer) {
		if n++; n > maxIgnored {
			t.Fatal("more and more are taken")
		}
	}
	if n != maxIgnored || c.Login().Refused == nil {
		t.Errorf("%d are taken, and then it is let in", n)
	}
}

func TestWhoseCertificateIsRevokedIsEnded(t *testing.T) {
	m := &mint{revoked: map[string]bool{}}
	d, one, _ := m.showing("one@aio.t.org", nil, opening)
	ended := 0
	one.Ends(func() { ended++ })
	d.Review()
	if ended != 0 {
		t.Error("it is ended for nothing")
	}
	m.revoked["by-one@aio.t.org"] = true
	d.Review()
	if ended != 1 {
		t.Errorf("it is ended %d times", ended)
	}
}

// What was made for a connector that is gone before it is told would lock its name for ever.
func TestWhatCannotBeToldIsTakenBack(t *testing.T) {
	m, b := &mint{}, &book{}
	want := wants("kiosk7", `{"cmd":"get_new_certificate"}`)
	_, c, _ := m.showing("default", nil, want)
	c.Closed()
	if len(m.taken) > 0 {
		t.Error("its certificate is not taken back")
	}
	d := New(Config{Domain: domain, Rooms: "t.org", Server: server, TLS: true, Tokens: true, Registry: b})
	early := d.Accept().(asking)
	early.Greet(token("kiosk7", `{"cmd":"get_new_token"}`), dialect.Peer{})
	early.Closed() // while somebody is asked
	early.Ask(t.Context())
	if len(b.tokens) > 0 {
		t.Error("its token is not taken back")
	}
	_, c, login := m.showing("default", nil, want)
	if frame, _ := c.End(login.Refused); frame == nil {
		t.Error("it is not told")
	}
	c.Closed()
	if len(m.taken) != 1 {
		t.Error("what it was told is taken back")
	}
}
