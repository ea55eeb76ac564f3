package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
)

// As whom somebody sends: every actor with every claim, in every kind of envelope.
func TestWhoMaySendAsWhom(t *testing.T) { // L-MSG-01 to L-MSG-04
	t.Parallel()
	m := newMatrix(t)
	claims := []struct{ name, from, pp string }{
		{"nobody", "", ""},
		{"itself", "$node", ""},
		{"its identity", "$identity", ""},
		{"its identity, with pp", "$identity", "$node"},
		{"another instance of its own", "$identity/2", ""},
		{"another instance of its own, with pp", "$identity/2", "$node"},
		{"ana", "ana@t.org", ""},
		{"ana, with pp", "ana@t.org", "$node"},
		{"ana's node, with pp", "ANA@t.org/phone", "$node"},
		{"ana, with her own node as pp", "ana@t.org", "ana@t.org/1"},
		{"bia, who gave nobody anything, with pp", "bia@t.org", "$node"},
		{"bia", "bia@t.org/1", ""},
		{"somebody below", "joe@sub.t.org/1", ""},
		{"somebody below, with pp", "joe@sub.t.org/1", "$node"},
		{"somebody of another domain, with pp", "joe@t.org.evil/1", "$node"},
		{"the server", "postmaster@t.org/#e", ""},
		{"the server, with pp", "postmaster@t.org", "$node"},
		{"its node as somebody else's", "$node", "ana@t.org/1"},
	}
	own := []string{"nobody", "itself", "its identity", "its identity, with pp"}
	anas := []string{"ana, with pp", "ana's node, with pp"}
	domain := slices.Concat(anas, []string{"ana", "bia, who gave nobody anything, with pp", "bia"})
	may := map[string][]string{
		"ana": {"ana", "ana, with pp", "ana, with her own node as pp", "its node as somebody else's"}, // it is she
		"rui": nil, "zed": nil, "whole": anas, "narrow": anas,
		"gw":   domain,
		"root": slices.Concat(domain, []string{"somebody below", "somebody below, with pp"}),
	}
	n := 0
	for _, who := range actors {
		s := m.by[who]
		for _, c := range claims {
			allowed := slices.Contains(own, c.name) || slices.Contains(may[who], c.name)
			fill := func(text string) string {
				return strings.NewReplacer("$node", s.node, "$identity", s.identity()).Replace(text)
			}
			for _, kind := range []string{"text", "photo", "command", "notification"} {
				n++
				e := Envelope{ID: fmt.Sprint(n), From: fill(c.from), PP: fill(c.pp), To: m.sink.node}
				may := allowed
				switch kind {
				case "text":
					e.Type, e.Content = "text/plain", fmt.Sprint(n)
				case "photo":
					e.Type, e.Content = "application/vnd.lime.media-link+json", map[string]any{}
				case "command":
					e.Method, e.URI = "get", "/x"
				case "notification":
					e.Event = "received"
				}
				if who == "narrow" && slices.Contains(anas, c.name) {
					may = kind == "text"
				}
				m.wantSent(t, s, who+" as "+c.name+", a "+kind, e, may)
			}
		}
	}
}

// wantSent sends an envelope, and wants that it comes as its sender has it, or is refused with 32.
func (m *matrix) wantSent(t *testing.T, s *session, what string, e Envelope, may bool) {
	t.Helper()
	s.send(e)
	if !may {
		if e.Event == "" {
			s.want(what+": it is refused", func(a Envelope) bool {
				return a.ID == e.ID && a.Reason != nil && a.Reason.Code == 32
			})
		}
		// What is behind it comes, and it does not.
		after := Envelope{ID: "after " + e.ID, To: m.sink.node, Type: "text/plain", Content: "after " + e.ID}
		s.send(after)
		m.sink.want(what+": what is behind", func(a Envelope) bool { return a.ID == after.ID })
		if _, came, _ := m.sink.find(func(a Envelope) bool { return a.ID == e.ID }); came {
			t.Errorf("%s: it came", what)
		}
		return
	}
	got := m.sink.want(what+": it comes", func(a Envelope) bool { return a.ID == e.ID })
	from, pp := s.node, e.PP
	switch identity, instance, _ := strings.Cut(e.From, "/"); {
	case e.From == "" || strings.EqualFold(identity, s.identity()) && (pp == "" || instance != ""):
	default:
		from = e.From
	}
	if e.Method != "" && pp == "" && from != s.node { // an authority's
		pp = s.node
	}
	if got.From != from || got.PP != pp {
		t.Errorf("%s: it comes from %q pp %q, want %q pp %q", what, got.From, got.PP, from, pp)
	}
}

// Whose resources somebody gets at, in whose name and by which URI. A row is a command, and
// who may with which result; for everybody else it is 35.
func TestWhoMayDoWhatWithWhoseResources(t *testing.T) { // L-CMD-14
	t.Parallel()
	m := newMatrix(t)
	const granted = "whole gw root"
	for _, row := range []struct {
		command string
		ana     lime.Code // of the owner herself
		others  string    // who else may, with the same result
	}{
		{"set /contacts contact {\"identity\":\"bia@t.org\"}", 0, granted},
		{"get /contacts", 0, granted + " narrow"},
		{"get /contacts/bia@t.org", 0, granted + " narrow"},
		{"get /contacts/nobody@t.org", 67, granted + " narrow"},
		{"merge /contacts contact {\"identity\":\"bia@t.org\",\"name\":\"B\"}", 0, granted},
		{"delete /contacts/nobody@t.org", 67, granted},
		{"get /account", 0, granted},
		{"merge /account account {\"city\":\"Lagos\"}", 0, ""},
		{"get /account/keys", 0, ""},
		{"delete /account/keys/none", 67, ""},
		{"get /delegations", 0, ""},
		{"get /delegations/whole", 0, ""},
		{"set /delegations delegation {\"target\":\"nobody\"}", 0, ""},
		{"delete /delegations/nobody", 0, ""},
	} {
		for _, who := range actors {
			s := m.by[who]
			for _, way := range []string{"in her name", "by her URI"} {
				e := command(row.command)
				switch {
				case who == "ana":
				case way == "in her name":
					e.From, e.PP = "ana@t.org", s.node
				default:
					e.URI = "lime://ana@t.org" + e.URI
				}
				want := lime.CodeAuthorizationPermissionRequired
				if who == "ana" || slices.Contains(strings.Fields(row.others), who) {
					want = row.ana
				}
				// The edge has not let those through who have no delegation for it, nor what a
				// delegation excludes, but for what contacts may ask, which routers know.
				asContact := row.command == "get /account" && who != "zed"
				if way == "in her name" && !asContact && (who == "rui" || who == "zed" || who == "narrow" && !strings.HasPrefix(row.command, "get /contacts")) {
					want = lime.CodeAuthorizationUnauthorizedSender
				}
				if who == "ana" && way != "in her name" && strings.HasPrefix(row.command, "delete /delegations") {
					want = lime.CodeCommandResourceNotFound // it is gone
				}
				answer := s.call(e)
				var got lime.Code
				if answer.Reason != nil {
					got = answer.Reason.Code
				}
				if got != want || (got == 0) != (answer.Status == "success") {
					t.Errorf("%s, %s: %s: %s, want code %d", who, way, row.command, answer, want)
				}
			}
		}
	}
	for _, who := range []string{"rui", "zed"} {
		for _, method := range []string{"get", "set", "delete", "subscribe"} {
			e := Envelope{Method: method, URI: "lime://ana@t.org/presence"}
			if method == "set" {
				e.Type, e.Resource = "application/json", map[string]any{}
			}
			if answer := m.by[who].call(e); answer.Reason == nil || answer.Reason.Code != 35 && answer.Reason.Code != 63 {
				t.Errorf("%s, %s of her presence: %s", who, method, answer)
			}
		}
	}
}

// command reads "method uri [type resource]".
func command(text string) Envelope {
	parts := strings.SplitN(text, " ", 4)
	e := Envelope{Method: parts[0], URI: parts[1]}
	if len(parts) == 4 {
		e.Type, e.Resource = "application/vnd.lime."+parts[2]+"+json", rawJSON(parts[3])
	}
	return e
}

// rawJSON is JSON as it stands.
type rawJSON string

// MarshalJSON is that of json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }
