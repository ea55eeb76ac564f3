package edge

import (
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

// secret is what stands in the credentials of FuzzSession's clients.
const secret = "c2VudGluZWwtb2YtYS1wYXNzd29yZA=="

// FuzzSession plays a script, a line a step: an envelope of the client, in which
// $id is the session's id and $secret a password, or something that happens. The
// dialogue itself checks that nothing follows the end (L-FIN-03), that states never
// go back (L-FIN-06), and that what the server says is well formed (L-SES-29).
func FuzzSession(f *testing.F) {
	login := "{\"state\":\"new\"}\n" +
		`{"id":"$id","from":"Ana@example.org/Home","state":"authenticating","scheme":"plain","authentication":{"password":"$secret"}}` + "\n"
	for _, script := range []string{
		login + "grant\nplace\n" + `{"id":"m","to":"rui","type":"text/plain","content":"x"}` + "\n" + `{"id":"$id","state":"finishing"}`,
		login + "refuse\n", login + "err\nplace", login + "grant\nerr\n", login + "late\ngrant", login + "grant\nlost\nplace",
		login + "grant\nplace\nend\nstop\nlate", login + "grant\nplace\nmalformed\n", login + "guest\nplace\n" +
			`{"id":"c","from":"bia@example.org","pp":"ana/home","method":"set","uri":"/account","type":"a/b","resource":{}}`,
		login + "grant\nplace\n" + `{"id":"c","from":"ana","method":"set","uri":"/presence","type":"a/b","resource":{"status":"away"}}` +
			"\n" + `{"id":"c","from":"ana","method":"get","uri":"/presence"}` + "\ntick\nfull\n" + `{"id":"c","method":"get","uri":"/ping"}`,
		login + "grant\nplace\n" + `{"id":"c","method":"set","uri":"/receipt","type":"a/b","resource":{"events":["failed"]}}` +
			"\n" + `{"id":"c","method":"get","uri":"/receipt"}` + "\n" + `{"id":"m","event":"received"}` + "\n" + `{"id":"m","to":"ana","event":"received"}`,
		login + "grant\nplace\n" + `{"id":"n","from":"ana","pp":"ana/home","to":"rui/1","event":"failed","reason":"x","metadata":{"a":1}}`,
	} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		d := newDialogue(t)
		d.session.rules.envelopeRate = 4
		for line := range strings.Lines(script) {
			before := d.session.state
			d.step(strings.TrimSuffix(line, "\n"))
			d.check(line, before)
		}
	})
}

// step does one line of a script.
func (d *dialogue) step(line string) {
	s := &d.session
	reason := lime.NewReason(lime.CodeSessionAuthenticationFailed, "No")
	switch line {
	case "grant", "guest":
		if len(d.logins) > 0 {
			d.asked()
			g := anaGrant
			g.Guest = line == "guest"
			s.authenticated(g, nil)
		}
	case "place":
		if len(d.arrivals) > 0 {
			d.place()
		}
	case "refuse", "err":
		err := error(reason)
		if line == "err" {
			err = errOurs
		}
		if len(d.logins) > 0 {
			d.asked()
			s.authenticated(anaGrant, err)
		} else if len(d.arrivals) > 0 {
			d.arrived()
			s.attached(nil, err)
		}
	case "late":
		if s.state < lime.StateEstablished {
			s.late()
		}
	case "idle":
		if s.state == lime.StateEstablished {
			s.finish()
		}
	case "stop":
		s.stop()
	case "end":
		s.end(reason)
	case "lost":
		s.lost()
		d.reached = lime.StateFailed
	case "malformed":
		s.malformed("It is broken", 1002)
	case "tick":
		d.now = d.now.Add(time.Second)
	case "full":
		d.full = !d.full
	default:
		d.receives(line)
	}
}

// receives has a line come in as a connection would give it to its session.
func (d *dialogue) receives(line string) {
	b := []byte(strings.ReplaceAll(strings.ReplaceAll(line, "$id", d.session.who.Tag()), "$secret", secret))
	h := &d.scratch.header
	n, err := h.Scan(b)
	if err != nil {
		d.session.malformed(err.Error(), 1000)
		return
	}
	if strings.Contains(string(h.ID)+string(h.From)+string(h.PP)+string(h.To), secret) || h.Kind != lime.KindSession && strings.Contains(string(b), secret) {
		return // who tells it himself has no secret
	}
	d.scratch.now = instant(d.now.UnixNano())
	d.session.envelope(&d.scratch, b[:n])
}

// check holds what a step did against what must hold after each.
func (d *dialogue) check(line string, before lime.State) {
	s := &d.session
	if s.state < before {
		d.t.Errorf("L-FIN-06: %q leads back from %v to %v", line, before, s.state)
	}
	if len(d.closed) > 1 || len(d.closed) == 1 && !s.state.Ended() {
		d.t.Errorf("%q: closed %d times, the session is %v", line, len(d.closed), s.state)
	}
	if s.state.Ended() && d.member.active && d.member.left != 1 {
		d.t.Errorf("%q: the place was given up %d times", line, d.member.left)
	}
	if len(d.logins)+len(d.arrivals) > 1 {
		d.t.Errorf("%q: %d logins and %d arrivals are under way", line, len(d.logins), len(d.arrivals))
	}
	for _, envelope := range d.sent {
		if strings.Contains(envelope, secret) {
			d.t.Errorf("L-SES-34: %q leads to %s", line, envelope)
		}
	}
	for _, routed := range d.member.routed {
		_, envelope, _ := strings.Cut(routed, " {")
		d.checkSender("{"+envelope, false)
	}
	for _, envelope := range d.member.commands {
		d.checkSender(envelope, s.guest)
	}
	for _, envelope := range d.member.receipts {
		d.checkSender(envelope, false)
	}
	if n := len(d.member.routed) + len(d.member.commands) + len(d.member.receipts); n > 0 && before != lime.StateEstablished {
		d.t.Errorf("L-SES-24: %q is processed while %v", line, before)
	}
	d.sent, d.member.routed, d.member.commands, d.member.receipts = nil, nil, nil, nil
}

// checkSender holds an envelope that was handed on against P5: nobody sends as
// somebody else. A guest may ask for an account.
func (d *dialogue) checkSender(envelope string, guest bool) {
	var h lime.Header
	if n, err := h.Scan([]byte(envelope)); err != nil || n != len(envelope) {
		d.t.Errorf("%s is handed on: %v", envelope, err)
		return
	}
	from, pp := string(h.From), string(h.PP)
	uri, _ := lime.ParseURI(string(h.URI)) // of what is none, the path is none
	node := d.session.who.String()         // the instance is the session's own when none was proposed
	switch {
	case !strings.HasPrefix(node, "Ana@example.org/"):
		d.t.Errorf("the session is that of %q", node)
	case from == node && (pp == "" || pp == node):
	case from == "Ana@example.org" && pp == node:
	case !guest && pp == node && h.Method == lime.MethodGet && (uri.HasPath("/presence") || uri.HasPath("/account")):
	case guest && pp == node && h.Method == lime.MethodSet && uri.HasPath("/account"):
	default:
		d.t.Errorf("from %q with pp %q is handed on: %s", from, pp, envelope)
	}
}
