package edge

import (
	"encoding/json"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// A session whose authentication expires is told so before, by observe /authentication,
// and may show credentials again by set /authentication. LIME has no session envelope for
// that once a session is established (L-SES-27). One that does not fails when the time is
// over.

// mediaAuthentication is the media type of that resource. It is ours.
const mediaAuthentication = "application/vnd.limegrove.authentication+json"

const (
	// noticeTime is how long before the end a session is told of it; of one that has less
	// than five times as much left, a fifth of that.
	noticeTime = time.Minute
	// maxRenewals is how many credentials may be refused of a session that is to renew its
	// own. It has proved who it is, but whoever has taken it over may try to guess.
	maxRenewals = 5
)

// lifetime is when a connection's session ends. It is owned by the loop.
type lifetime struct {
	ends   instant
	notice instant // never when it was given
}

// renewal is what a session has of its authentication that expires.
type renewal struct {
	scheme  auth.Scheme // by which it was let in
	id      []byte      // of the command that is being looked at; nil for none
	refused int
}

// expires notes when the session's authentication ends; zero is never. outlet.
func (c *conn) expires(at time.Time) {
	if at.IsZero() {
		if c.special != nil {
			c.special.lifetime = nil
		}
		return
	}
	before := min(noticeTime, max(0, at.Sub(c.turn().Now)/5))
	c.particular().lifetime = &lifetime{ends: c.edge.instant(at), notice: c.edge.instant(at.Add(-before))}
	c.arm()
}

// age does what is due for an authentication that expires. It tells whether the session
// has ended by it.
func (c *conn) age(now instant) (ended bool) {
	l := c.lifetime()
	switch {
	case l == nil:
	case now >= l.ends:
		c.edge.metrics.expired.Inc()
		c.session.expired()
		return true
	case l.notice != never && now >= l.notice:
		l.notice = never
		c.session.expiring(c.edge.time(l.ends))
	}
	return false
}

// expiring tells the client when its authentication ends.
func (s *session) expiring(at time.Time) {
	c := lime.Command{
		From: s.server(), To: s.who.Node(), Method: lime.MethodObserve, URI: "/authentication",
		Type: mediaAuthentication, Resource: authentication(at),
	}
	s.answer(lime.KindCommand, c.AppendJSON(nil))
}

// authentication is the resource.
func authentication(ends time.Time) []byte {
	if ends.IsZero() {
		return []byte(`{}`)
	}
	return []byte(`{"expires":"` + lime.FormatTime(ends) + `"}`)
}

// expired fails the session because its authentication has ended.
func (s *session) expired() {
	s.fail(lime.CodeSessionAuthenticationFailed, "The authentication has expired")
}

// renew takes credentials of an established session, whose authentication expires. They
// are of the scheme by which it was let in.
func (s *session) renew(h *lime.Header, b []byte) error {
	if h.Method != lime.MethodSet {
		return reasonMethod
	}
	switch {
	case s.has().renewal == nil:
		return lime.NewReason(lime.CodeCommandNotAllowed, "The authentication does not expire")
	case s.has().renewal.id != nil:
		return lime.NewReason(lime.CodeCommandNotAllowed, "Credentials are being looked at")
	}
	resource, err := smallResource(h, b)
	if err != nil {
		return err
	}
	var given struct {
		Scheme         string          `json:"scheme"`
		Authentication json.RawMessage `json:"authentication"`
	}
	if json.Unmarshal(resource, &given) != nil { // its text quotes the input
		return lime.NewReason(lime.CodeCommandInvalidArgument, "An authentication is a JSON object")
	}
	if fold([]string{string(s.has().renewal.scheme)}, given.Scheme) == "" {
		return lime.NewReason(lime.CodeSessionAuthenticationFailed, "The scheme is not that of the session")
	}
	s.has().renewal.id = append([]byte{}, h.ID...)
	s.out.authenticate(auth.Request{Scheme: s.has().renewal.scheme, Node: s.who.Node(), Credentials: given.Authentication})
	return nil
}

// renewed takes the answer to that. The session stays what it is: credentials of anybody
// else are refused.
func (s *session) renewed(g auth.Grant, err error) {
	h := lime.Header{ID: s.has().renewal.id, Method: lime.MethodSet}
	s.has().renewal.id = nil
	if err == nil && (!g.Identity.EqualFold(s.who.Identity()) || g.Guest != s.guest || g.Role != s.role()) {
		err = lime.NewReason(lime.CodeSessionAuthenticationFailed, "The credentials are not those of the session's identity")
	}
	if err == nil {
		s.has().renewal.refused = 0
		s.out.expires(g.Expires)
		s.respond(&h, lime.CommandSuccess, mediaAuthentication, authentication(g.Expires), nil)
		if g.Expires.IsZero() {
			s.aside.renewal = nil
		}
		s.entitle(g)
		return
	}
	why := lime.AsReason(err)
	if why == nil {
		why = lime.NewReason(lime.CodeSessionError, "The credentials cannot be checked now")
	}
	s.respond(&h, lime.CommandFailure, "", nil, why)
	if why.Code != lime.CodeSessionAuthenticationFailed {
		return
	}
	if s.has().renewal.refused++; s.has().renewal.refused >= maxRenewals {
		s.failWith(why, ws.StatusNormalClosure)
	}
}
