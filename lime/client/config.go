package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"limegrove/lime"
)

// Config is who a client is and how it behaves. The zero Config is a guest with a
// random name. In numbers and times zero means the default and negative means none, where
// there can be none. It is copied by Dial.
type Config struct {
	// Node is who the client wants to be. An absent domain is the server's first, an absent
	// instance one of the server's making; what the server assigns is kept for all sessions
	// to come. A guest may leave the name away and gets a random one, others may not.
	Node lime.Node

	// Scheme proves that. Default Guest.
	Scheme Scheme

	// Servers are more addresses of the same cluster, tried in turn after Dial's.
	Servers []string

	// Encryption is what is wanted over net.tcp. Default SecretsInTLS.
	Encryption Encryption

	// TLS is for wss and for TLS over net.tcp: whom to believe, the client's own certificate. An
	// absent ServerName is the address's host. Default: what the system believes, TLS 1.2 and up.
	TLS *tls.Config
	own *Certificate // whose authorities are believed besides; nil for none

	// Header goes with the upgrade to WebSocket: cookies, an origin.
	Header http.Header

	// Proxy tells for a server's URL, which is its own copy, through which HTTP proxy it is
	// reached; nil for none. All of ws, wss and net.tcp go by CONNECT, in which the proxy resolves
	// the host: http://host:3128, https:// to speak TLS with the proxy as well, and Basic with
	// user:password@, which over http:// goes in clear. It is asked at each try, by one goroutine at
	// a time. ConnectTimeout bounds all of it, and a *ProxyError tells what went wrong. Default no
	// proxy: see ProxyFromEnvironment and FixedProxy.
	Proxy func(server *url.URL) (*url.URL, error)

	// ProxyTLS is like TLS, for proxies that are https://. Default: what the system believes.
	ProxyTLS *tls.Config

	// NetDial connects, to the proxy if there is one. Default a net.Dialer's DialContext.
	NetDial func(ctx context.Context, network, address string) (net.Conn, error)

	// Presence is set after every login, before anything else is sent. nil sets none: then
	// the session is reachable at its full node, and a guest at its identity.
	Presence *lime.Presence

	// Events are the events that the client wants to hear of its own messages; accepted and
	// failed are always heard by publications. Set like Presence. The zero Events sets none,
	// which is all five.
	Events lime.Events

	// Handler gets what comes, in order, from one goroutine of the client's. nil leaves it to
	// the iterators.
	Handler *Mux

	// Receipts is what is said of the messages that come. Default ReceiptsAuto.
	Receipts Receipts

	// SendOnly refuses messages instead of keeping them for an iterator that is not going to
	// come. Not with a Handler for messages.
	SendOnly bool

	// Queue is how many messages with an id may wait for the handler or for iterators, and how
	// many messages without one, notifications and requests, each by themselves. What is more than
	// that of these is dropped, a request refused. While it is full of messages with an id, which the server keeps, nothing more is
	// read from it, neither are answers (ErrFull): keep it above the server's window of
	// unacknowledged messages, which is 256 for Limegrove, so that this never comes to pass.
	// Default 1024.
	Queue int

	// DuplicateWindow is for how long, while the client is in session, a stored message that
	// comes again is not handed out again: same sender identity, id and address. Keep it above
	// IdleTimeout: what was acknowledged into a dead connection comes again when that is
	// noticed. At most 8192 messages are remembered. Default 2m.
	DuplicateWindow time.Duration

	// SendQueue is how many bytes may wait to be written; who sends more waits. Default 1 MiB.
	SendQueue int

	// Rate and ByteRate are how many envelopes and bytes a second are sent, of all kinds,
	// receipts too; a second's worth may go at once. Servers refuse or drop what is above
	// theirs, so keep it below: Limegrove's are 1,000 and 4 MiB, and twice that at once. Who sends
	// more waits. Default 950 and 3.8 MiB.
	Rate     int
	ByteRate int

	// MaxSend is how long an envelope may be, in bytes. A server ends the session over a longer
	// one, so keep it at or below the server's limit. Default 512 KiB, which is Limegrove's.
	MaxSend int

	// MaxEnvelope is how long an envelope of the server's may be. Default 8 MiB.
	MaxEnvelope int

	// Store keeps publications until they are answered, in a directory with package spool, so that
	// those that wait while there is no session, or none yet, outlive the process. What it has when Dial
	// is called is sent before all that is new of the same priority, in order and with the ids that it had;
	// what becomes of it notifications tell, and DropKept counts. InFlight then bounds what is in memory and under way, and the store
	// the rest: who publishes more than it takes gets its error at once. It is for one client at a time,
	// which should have the same Node each time: servers know what is sent again by that. The program
	// closes it after Done. Default nil, which keeps nothing.
	Store Store

	// Arrivals keeps the messages that come until the program has handled them: until the handler
	// has returned, or the body of the loop has ended. They are said to be received when they are kept, and
	// what an earlier process has not handled is handed out first. So messages without an id outlive
	// the process as well, and others are the server's no longer than it takes to write them. What the store has no
	// room for is received as without one. It is another one than Store, and no more than Queue and what it has at
	// the beginning is in memory. Default nil: what was not acknowledged is the server's to keep.
	Arrivals Store

	// Priority is what a message has that waits to be sent: smaller numbers go first, in order among
	// equals. When 32 with smaller numbers have passed the first of a number, that goes before them, so
	// that each number has a share. It orders publications among themselves, those that wait for room
	// included, and messages given to Send among themselves, which other envelopes then pass; of
	// these SendQueue bytes wait beside those. What was sent and is to be sent again keeps its order, before
	// all that is new. It is called by who sends, and borrows the message. Default nil: all have the
	// same. See PriorityByType.
	Priority func(*lime.Message) int

	// InFlight is how many publications may wait for their answer; who publishes more waits.
	// Default 256.
	InFlight int

	// Requests is how many calls of Request may wait for their answer at a time; who asks more
	// waits. Default 1000.
	Requests int

	// ResendAfter is how long a publication waits for its answer until it is sent again in the
	// same session. Keep it above the server's time for storing, which is 10s for Limegrove.
	// Default 15s; a negative one sends again in new sessions only.
	ResendAfter time.Duration

	// MaxResends is how often a publication is sent again until it is given up. Default 100.
	MaxResends int

	// ConnectTimeout bounds one try: connection, TLS, login, and presence. Default 30s.
	ConnectTimeout time.Duration

	// PingInterval is after how much silence of the server it is pinged, by WebSocket's ping or,
	// over TCP, by LIME's. Default 20s.
	PingInterval time.Duration

	// IdleTimeout is after how much silence the session is given up, and what a write may take.
	// Keep it above PingInterval. Default 45s. A negative one waits for ever.
	IdleTimeout time.Duration

	// Backoff is how a lost session is followed by another. A negative Tries makes the first
	// loss the end.
	Backoff Backoff

	// OnStatus is told of every change, in order, by Dial and then from a goroutine of the
	// client's, and delays it: it must neither block nor call the client's methods, but for
	// Status.
	OnStatus func(Status)
}

// withDefaults returns the configuration that is meant, or an error that tells what is
// wrong with it.
func (c Config) withDefaults() (Config, error) {
	if c.Scheme.Name == "" {
		c.Scheme = Guest()
	}
	switch {
	case c.Scheme.Authenticate == nil:
		return c, fmt.Errorf("client: scheme %s has no Authenticate", c.Scheme.Name)
	case c.Node.Name == "" && c.Scheme.Name == "guest":
		c.Node.Name = uuid()
	case c.Node.Name == "":
		return c, errors.New("client: Node has no name")
	}
	setDefault(&c.Queue, 1024)
	setDefault(&c.DuplicateWindow, 2*time.Minute)
	setDefault(&c.SendQueue, 1<<20)
	setDefault(&c.Rate, 950)
	setDefault(&c.ByteRate, 38<<20/10)
	setDefault(&c.MaxSend, 512<<10)
	setDefault(&c.MaxEnvelope, 8<<20)
	setDefault(&c.InFlight, 256)
	setDefault(&c.Requests, 1000)
	setDefault(&c.ResendAfter, 15*time.Second)
	setDefault(&c.MaxResends, 100)
	setDefault(&c.ConnectTimeout, 30*time.Second)
	setDefault(&c.PingInterval, 20*time.Second)
	setDefault(&c.IdleTimeout, 45*time.Second)
	c.Backoff = c.Backoff.withDefaults()
	for name, n := range map[string]int{
		"Queue": c.Queue, "SendQueue": c.SendQueue, "MaxSend": c.MaxSend, "MaxEnvelope": c.MaxEnvelope,
		"InFlight": c.InFlight, "Requests": c.Requests, "ConnectTimeout": int(c.ConnectTimeout),
	} {
		if n < 0 {
			return c, fmt.Errorf("client: %s is negative", name)
		}
	}
	if c.IdleTimeout > 0 && c.PingInterval >= c.IdleTimeout {
		return c, fmt.Errorf("client: PingInterval %v is not below IdleTimeout %v", c.PingInterval, c.IdleTimeout)
	}
	if c.SendOnly && c.Handler.kinds().has(lime.KindMessage) {
		return c, errors.New("client: SendOnly with a handler for messages")
	}
	return c, nil
}

func setDefault[N int | time.Duration](n *N, value N) {
	if *n == 0 {
		*n = value
	}
}

// uuid is a random one, which is what some servers want of a guest.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
