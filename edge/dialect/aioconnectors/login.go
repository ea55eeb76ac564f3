package aioconnectors

import (
	"time"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

// introduction is how a connection's name becomes known, in which the modes of security
// differ.
type introduction interface {
	// introduce takes the first frame of a connector, which it borrows, and who is at the other end, and returns a name that is one; or
	// why the connector is not let in: errIgnored says that the next frame may do better.
	introduce(c *client, f *frame, from *dialect.Peer) (name string, why *lime.Reason)
}

// handshake is the introduction of a connector that is believed: its first frame names it, and
// has no answer.
type handshake string

// Those of connections in clear, and of those that are encrypted.
const (
	inClear   handshake = "_handshake_no_ssl"
	encrypted handshake = "_handshake_ssl"
)

// maxIgnored is how many frames may come that count for nothing, before the one that does.
const maxIgnored = 100

// greeting is the data of a handshake.
const greeting = "hello"

// Why a connector is not let in, which nobody tells it: A-03.
var (
	noHandshake = lime.NewReason(lime.CodeSessionError, "The first frame is no handshake")
	keptOut     = lime.NewReason(lime.CodeAuthorizationUnauthorizedSender, "The connector is not let in")
	errIgnored  = lime.NewReason(lime.CodeSessionError, "The frame counts for nothing here")
	// tooManyFirst is that of one that may come again later.
	tooManyFirst = lime.NewReason(lime.CodeAuthorizationQuotaThresholdExceeded, "Too many new connectors come from there")

	noName = lime.NewReason(lime.CodeValidationInvalidIdentity, "The name is none for a connector")
)

// introduce is that of an introduction.
func (h handshake) introduce(_ *client, f *frame, _ *dialect.Peer) (name string, why *lime.Reason) {
	if string(f.header.text("message_type")) != string(h) || string(f.data) != greeting {
		return "", noHandshake
	}
	return nameIn(f)
}

// nameIn is the name that a frame gives its sender.
func nameIn(f *frame) (name string, why *lime.Reason) {
	if name = string(f.header.text("source_id")); !isName(name) {
		return "", noName
	}
	return name, nil
}

// instance is that of every connector: a name has one session, of which the newer one replaces
// the older, on whatever edges they are. A-44
const instance = "connector"

// Greet is that of a dialect.
func (c *client) Greet(b []byte, from dialect.Peer) (more bool) {
	c.from = from.Address
	f := frames.Get().(*frame)
	defer f.done()
	if f.parse(b) != nil {
		c.refused = noHandshake
		return false
	}
	c.name, c.refused = c.introduction.introduce(c, f, &from)
	if c.refused == errIgnored && c.ignoredAs < maxIgnored {
		c.ignoredAs++
		return true
	}
	c.looked = c.reviews.Load()
	switch { // also before anything is given out
	case c.refused != nil:
	case !c.admitted():
		c.refused = keptOut
	case (c.wants.Command == tokenNew || c.wants.Command == certificateNew) && !c.firsts.allow(c.from.Addr(), time.Now()):
		c.refused = tooManyFirst
	}
	if i, ok := c.cfg.identity(c.name); ok && !i.EqualFold(c.cfg.Service) { // which has nobody behind its server
		c.service = c.cfg.service
	}
	return false
}

// Login is that of a dialect.
func (c *client) Login() dialect.Login {
	if c.refused != nil {
		return dialect.Login{Refused: c.refused}
	}
	identity, ok := c.cfg.identity(c.name)
	if !ok {
		return dialect.Login{Refused: noName}
	}
	return dialect.Login{
		Node:       lime.Node{Identity: identity, Instance: instance},
		Presence:   &lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity, Echo: true},
		Receipts:   lime.EventsOf(lime.EventAccepted, lime.EventFailed),
		Takes:      &lime.Capability{ResourceTypes: &[]string{}},
		Credential: c.credential, Expires: c.expires,
		Rooms: c.cfg.Rooms, Literal: true, Rights: c.rights, Backlog: c.cfg.Backlog,
	}
}

// End is that of a dialect. A connector is told nothing but what was given to it: it comes again by itself.
func (c *client) End(*lime.Reason) (frame []byte, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ""
	}
	c.takeBack = nil
	return c.parting, ""
}
