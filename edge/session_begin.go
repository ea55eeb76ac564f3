package edge

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// greet answers new, with an offer when there is something to negotiate (L-SES-03), even
// if it is a single option (L-SES-09). Established is never the answer: two clients hang then (L-SES-04). An id
// in new is ignored (L-SES-02).
func (s *session) greet() {
	s.who = lime.Tagged(rand.Text())
	if !s.overTCP || len(s.rules.encryption) == 0 {
		s.offerSchemes()
		return
	}
	s.state = lime.StateNegotiating
	s.say(&lime.Session{State: s.state, EncryptionOptions: s.rules.encryption, CompressionOptions: compressions})
}

// compressions are what may be chosen of: nobody implements another.
var compressions = []string{compressionNone}

const compressionNone = "none"

// choose takes the client's choice of the options, and repeats it before the transport
// changes: L-SES-07, L-SES-08.
func (s *session) choose(b []byte) {
	var given struct {
		Encryption  string `json:"encryption"`
		Compression string `json:"compression"`
	}
	err := json.Unmarshal(b, &given)
	encryption := fold(s.rules.encryption, given.Encryption)
	if err != nil || encryption == "" || fold(compressions, given.Compression) == "" {
		s.fail(lime.CodeSessionNegotiationInvalidOptions, "The encryption or the compression was not offered")
		return
	}
	s.say(&lime.Session{State: s.state, Encryption: encryption, Compression: compressionNone})
	if encryption == string(EncryptionTLS) {
		s.waiting = true
		s.out.secure()
		return
	}
	s.offerSchemes()
}

// secured goes on inside TLS: L-SES-10.
func (s *session) secured() {
	s.waiting = false
	if !s.state.Ended() {
		s.offerSchemes()
	}
}

// offerSchemes asks who the client is.
func (s *session) offerSchemes() {
	s.state = lime.StateAuthenticating
	options := s.options()
	if len(options) == 0 { // L-SES-05, L-SES-31
		s.fail(lime.CodeSessionAuthenticationFailed, "Only clients with a certificate are let in here")
		return
	}
	s.say(&lime.Session{State: s.state, SchemeOptions: options})
}

// options are the schemes that the client is offered: transport only when it has shown a
// certificate.
func (s *session) options() []string {
	if len(s.rules.options) == len(s.rules.uncertified) || s.out.certified() {
		return s.rules.options
	}
	return s.rules.uncertified
}

// credentials takes the client's identity and what proves it.
func (s *session) credentials(h *lime.Header, b []byte) {
	var given struct { // the rest of the envelope is the header's, or nobody's
		Scheme         string          `json:"scheme"`
		Authentication json.RawMessage `json:"authentication"`
	}
	if err := json.Unmarshal(b, &given); err != nil {
		s.fail(lime.CodeSessionAuthenticationFailed, "The authentication cannot be read")
		return
	}
	scheme := fold(s.options(), given.Scheme)
	if scheme == "" { // L-SES-17
		s.fail(lime.CodeSessionAuthenticationFailed, "The scheme is not offered")
		return
	}
	if h.From == nil {
		s.fail(lime.CodeValidationInvalidIdentity, "The from is missing")
		return
	}
	from, err := lime.ParseNode(string(h.From))
	if err != nil {
		s.fail(lime.CodeValidationInvalidIdentity, "The from is no node")
		return
	}
	from = from.WithDefaults(s.rules.domains[0])
	if slices.ContainsFunc(s.rules.dialects, func(d string) bool { return strings.EqualFold(d, from.Domain) }) {
		s.fail(lime.CodeSessionAuthenticationFailed, "The domain is that of another protocol")
		return
	}
	s.ask(auth.Request{Scheme: auth.Scheme(scheme), Node: from, Credentials: given.Authentication})
}

// ask has the session's identity found out.
func (s *session) ask(r auth.Request) {
	own := s.gets()
	s.waiting, own.instance, own.scheme = true, r.Node.Instance, r.Scheme
	s.out.authenticate(r)
}

// fold returns the option that a client has chosen, in whatever case, as it is offered;
// "" when it is not: L-ENV-11.
func fold(options []string, given string) string {
	for _, o := range options {
		if strings.EqualFold(o, given) {
			return o
		}
	}
	return ""
}

// authenticated takes the answer to out.authenticate.
func (s *session) authenticated(g auth.Grant, err error) {
	s.waiting = false
	switch {
	case s.state.Ended():
		return
	case s.state == lime.StateEstablished:
		s.renewed(g, err)
		return
	case err != nil:
		s.failFor(err, "The credentials cannot be checked now")
		return
	}
	own := s.gets()
	if !g.Expires.IsZero() {
		own.renewal = &renewal{scheme: own.scheme}
	}
	s.out.expires(g.Expires)
	instance := own.instance
	if instance == "" {
		instance = rand.Text() // unique, so that two such logins can coexist: L-SES-19
	}
	node, err := lime.ParseNode(lime.Node{Identity: g.Identity, Instance: instance}.String())
	who, ok := s.rules.name(node, s.who.Tag())
	if err != nil || !ok {
		s.fail(lime.CodeValidationInvalidIdentity, "The from is no node")
		return
	}
	if as := s.has().as; as != nil && !node.Identity.EqualFold(as.Node.Identity) { // the token is of somebody else
		s.failFor(auth.Refused(auth.OutcomeSubject), "")
		return
	}
	s.guest, s.rank, s.who = g.Guest, g.Role.Rank(), who
	s.ownDomain = s.rules.serves([]byte(node.Domain))
	own.instance, own.scheme, own.rights = "", "", rights{login: g.Rooms, granted: g.Granted}
	s.tidy()
	s.waiting = true
	s.out.attach(Arrival{
		Text: s.who.Text(), Node: s.who.Node(), Session: s.who.Tag(), Guest: s.guest, Role: g.Role, Credential: g.Credential,
	})
}

// attached takes the answer to out.attach. The client hears of its session before
// anything can be delivered to it: L-SES-33.
func (s *session) attached(m Member, err error) {
	s.waiting = false
	if s.state.Ended() {
		if m != nil {
			m.Leave()
		}
		return
	}
	if err != nil {
		s.failFor(err, "The session cannot be registered now")
		return
	}
	s.member = m
	s.state = lime.StateEstablished
	s.heed()
	if as := s.has().as; as != nil {
		m.SetReceipts(as.Receipts)
		if as.Takes != nil {
			m.SetCapability(as.Takes)
		}
		if as.Presence != nil {
			m.SetPresence(as.Presence)
		}
	}
	s.say(&lime.Session{State: s.state})
	if s.overTCP {
		s.answer(lime.KindCommand, s.ping(0)) // whether it answers is known before there is anything to prove
	}
	m.Activate()
}
