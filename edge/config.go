package edge

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/edge/auth"
	"limegrove/edge/dialect"
	"limegrove/room"
	"limegrove/tracing"
)

// Config is what an Edge is made of. ID, Domains, Router and Authenticator are
// required. A zero limit means its default, a negative one none; MaxEnvelope,
// CloseTimeout, SendQueue, Establishing, Waiting, Asking and Loops cannot be none.
type Config struct {
	ID      string   // the edge's name; its server node is postmaster@<domain>/#<ID>
	Domains []string // served ones; the first is that of clients that name none

	// Router is where sessions get their places. It may be called for as many sessions
	// at once as Establishing says.
	Router Router

	// Authenticator checks what a client proves itself with, as many of each scheme at
	// once. It may take its time: it is called by workers and never by a loop.
	Authenticator auth.Authenticator

	// Dialects are the other protocols that are spoken over WebSocket, by their paths.
	Dialects map[string]dialect.Dialect

	// Framed is the other protocol that is spoken in frames over TCP, where ServeFrames
	// serves. Default none.
	Framed dialect.Stream

	// Pages answers requests on the same listener that are for no WebSocket. Default none: they get 426.
	Pages Pages

	// Rooms is where sessions enter rooms and publish to them; called like Router. Default
	// none: there are no rooms.
	Rooms Rooms

	// RoomRules say who may enter and publish where. Default none: nobody anywhere.
	RoomRules room.Rules

	// MaxRooms bounds the rooms that one session is in. Default 100.
	MaxRooms int

	// Peers tells how many sessions other edges have, so that this one gives some away
	// when it has many more. Default none: it keeps what it has.
	Peers Peers

	// Schemes are what clients are offered, best first. Default guest and plain.
	Schemes []auth.Scheme

	// ForwardHeaders and ForwardCookies name what of the request for a WebSocket goes to
	// the Authenticator. Default none.
	ForwardHeaders, ForwardCookies []string

	// Authority tells whose certificates clients have shown, where there is one of the cluster's own, or some may be revoked. Default none:
	// all that hold are believed, and are of authorities outside.
	Authority Authority

	// TLS is for clients over TCP that choose EncryptionTLS; required when that is offered.
	TLS *tls.Config

	// Encryption is what clients over TCP are offered, best first. With EncryptionTLS alone
	// they must; without it they are not asked. Default EncryptionTLS with TLS, else
	// EncryptionNone.
	Encryption []Encryption

	// MaxEnvelope is the longest envelope in bytes. Keep it below the broker's
	// max_payload. Default 512 KiB.
	MaxEnvelope int

	// EnvelopeRate and ByteRate bound what one session may send a second; twice as
	// much at once. What is above is refused with reason 34. Defaults 1,000
	// envelopes and 4 MiB.
	EnvelopeRate int
	ByteRate     int

	// MaxSessions bounds the connections; what comes beyond gets 503, or failed over TCP. Keep it below
	// what the system lets a process open. Default none.
	MaxSessions int

	// MaxPerAddress bounds the connections from one IP address. Behind a proxy that
	// is the proxy's. Default none.
	MaxPerAddress int

	// HandshakeTimeout bounds the time from accepting a connection to its complete
	// upgrade request, and that of TLS over TCP. As long as connections that are no sessions
	// have at most a quarter of MaxSessions, and are 16,384 at most, half a request that costs
	// no goroutine has twice EstablishTimeout: to cut who comes again costs more. Default 10s.
	HandshakeTimeout time.Duration

	// EstablishTimeout bounds the time from the upgrade, or over TCP from the connection, to an established session,
	// which gets reason 16 otherwise. Default 30s.
	EstablishTimeout time.Duration

	// UnfinishedTimeout bounds how long a frame, or an envelope, may stay half sent.
	// Clients on slow links need time for their longest envelope. Those that are no sessions
	// yet have longer, and than EstablishTimeout, as for HandshakeTimeout. Default 30s.
	UnfinishedTimeout time.Duration

	// PingInterval is how long a session may be silent before it is sent a ping,
	// WebSocket's or LIME's. Default 30s.
	PingInterval time.Duration

	// IdleTimeout is how long a session may be silent, pongs included, before it is
	// finished. Keep it above PingInterval. Default 90s.
	IdleTimeout time.Duration

	// StallTimeout is how long a client may take nothing of what waits for it, at
	// least, and an eighth more at most, so that not all who stall at once are cut
	// at once. Default 30s.
	StallTimeout time.Duration

	// CloseTimeout bounds how long the last frames may take. Default 5s.
	CloseTimeout time.Duration

	// SendQueue bounds the bytes that wait for one client; a longer envelope waits
	// alone. What does not fit is refused: routing reads stored messages again when
	// there is room, so that more gains nothing for them, and costs the memory of all
	// who read slowly. On Linux the system takes 12 KiB more, and the end of a
	// write, that it cannot send yet. Default 40 KiB.
	SendQueue int

	// MaxHeld bounds the bytes that are held of frames, envelopes and requests that are half sent, all together: beyond, the
	// connections are cut of which something has been held for longest. MaxQueued bounds the bytes that wait for all clients: beyond, whoever
	// has yet to take something is given nothing more. Defaults 128 MiB and 256 MiB.
	MaxHeld   int
	MaxQueued int

	// AdmissionRate is how many connections a second are admitted, and as many at once; what comes beyond is told to come
	// again. Half of them are kept for addresses that have not had a sixteenth of the rate; an IPv6 network of 64 bits is one address. Default 5,000.
	AdmissionRate int

	// AddressRate is how many connections a second one IP address, or IPv6 network of 64 bits, may open, and as many at
	// once. What comes faster waits for its turn, five seconds at most, and is then told to come again. Behind a proxy
	// that is the proxy's. Default 100.
	AddressRate int

	// Exempt are the networks whose addresses may connect as fast as AdmissionRate lets them. Default none.
	Exempt []netip.Prefix

	// Compression is off by default.
	Compression Compression

	// Establishing is how many sessions of a scheme are being authenticated at once, and
	// how many are being registered; Waiting, how many may wait for each. Defaults 256
	// and 16,384.
	Establishing int
	Waiting      int

	// Asking is about how many clients of dialects somebody is being asked; Waiting bounds
	// those who wait for that. Default 64.
	Asking int

	// LoginPatience is how long a session may wait to be authenticated, or asked about,
	// before that begins; then it is refused. Default 3s.
	LoginPatience time.Duration

	// Loops is how many event loops there are. Default GOMAXPROCS.
	Loops int

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none

	// Tracer follows envelopes whose senders want it. Default none: nothing is looked for.
	Tracer *tracing.Tracer

	// Traffic counts what clients send and are sent, together with what routing counts there.
	// Default: one of its own, registered with Metrics.
	Traffic *Traffic

	// goroutines has every connection served by goroutines, so that a test can have
	// its clients in memory, and time that is virtual.
	goroutines bool

	// pingPatience is how long a client over TCP has to answer its first ping, so that a
	// test need not wait.
	pingPatience time.Duration
}

// Encryption is an option that a session over TCP may choose.
type Encryption string

// The options. LIME, session negotiation.
const (
	EncryptionTLS  Encryption = "tls"
	EncryptionNone Encryption = "none"
)

// withDefaults returns the configuration that is in force.
func (c Config) withDefaults() (Config, error) {
	if c.ID == "" || len(c.Domains) == 0 || c.Router == nil || c.Authenticator == nil {
		return c, errors.New("edge: ID, Domains, Router and Authenticator are required")
	}
	if c.Schemes == nil {
		c.Schemes = []auth.Scheme{auth.SchemeGuest, auth.SchemePlain}
	}
	if len(c.Schemes) == 0 {
		return c, errors.New("edge: no authentication scheme")
	}
	for i, scheme := range c.Schemes { // L-SES-05
		if slices.Contains(c.Schemes[:i], scheme) {
			return c, fmt.Errorf("edge: the authentication scheme %s is there twice", scheme)
		}
	}
	if err := c.setEncryption(); err != nil {
		return c, err
	}
	setDefault(&c.MaxEnvelope, 512<<10)
	setDefault(&c.MaxRooms, 100)
	if c.MaxRooms < 0 {
		c.MaxRooms = math.MaxInt
	}
	setDefault(&c.EnvelopeRate, 1000)
	setDefault(&c.ByteRate, 4<<20)
	setDefault(&c.HandshakeTimeout, 10*time.Second)
	setDefault(&c.EstablishTimeout, 30*time.Second)
	setDefault(&c.UnfinishedTimeout, 30*time.Second)
	setDefault(&c.PingInterval, 30*time.Second)
	setDefault(&c.IdleTimeout, 90*time.Second)
	setDefault(&c.StallTimeout, 30*time.Second)
	setDefault(&c.CloseTimeout, 5*time.Second)
	setDefault(&c.pingPatience, pingPatience)
	setDefault(&c.SendQueue, 40<<10)
	setDefault(&c.MaxHeld, 128<<20)
	setDefault(&c.MaxQueued, 256<<20)
	setDefault(&c.AdmissionRate, 5000)
	setDefault(&c.AddressRate, 100)
	setDefault(&c.Compression.Threshold, 512)
	setDefault(&c.Establishing, 256)
	setDefault(&c.Waiting, 16384)
	setDefault(&c.Asking, 64)
	setDefault(&c.LoginPatience, 3*time.Second)
	if c.MaxEnvelope < 1024 || c.MaxEnvelope > maxFrame-1024 {
		return c, fmt.Errorf("edge: MaxEnvelope %d is not between 1 KiB and 1 MiB less 1 KiB", c.MaxEnvelope)
	}
	if c.Compression.Level > 9 {
		return c, fmt.Errorf("edge: Compression.Level %d is not between 0 and 9", c.Compression.Level)
	}
	for name, v := range map[string]int{
		"Compression.Level": c.Compression.Level, "Compression.Compressors": c.Compression.Compressors,
		"CloseTimeout": int(c.CloseTimeout), "SendQueue": c.SendQueue,
		"Establishing": c.Establishing, "Waiting": c.Waiting, "Asking": c.Asking, "Loops": c.Loops,
	} {
		if v < 0 {
			return c, fmt.Errorf("edge: %s %d is negative", name, v)
		}
	}
	if c.IdleTimeout > 0 && c.PingInterval >= c.IdleTimeout {
		return c, fmt.Errorf("edge: PingInterval %v is not below IdleTimeout %v", c.PingInterval, c.IdleTimeout)
	}
	if c.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		c.Logger = silent
	}
	return c, nil
}

func (c *Config) setEncryption() error {
	switch {
	case c.Encryption != nil:
	case c.TLS != nil:
		c.Encryption = []Encryption{EncryptionTLS}
	default:
		c.Encryption = []Encryption{EncryptionNone}
	}
	for i, option := range c.Encryption { // L-SES-06
		switch {
		case option != EncryptionTLS && option != EncryptionNone:
			return fmt.Errorf("edge: the encryption %q is not known", option)
		case slices.Contains(c.Encryption[:i], option):
			return fmt.Errorf("edge: the encryption %s is there twice", option)
		case option == EncryptionTLS && c.TLS == nil:
			return errors.New("edge: to encrypt needs TLS")
		}
	}
	if len(c.Encryption) == 0 {
		return errors.New("edge: no encryption to choose, not even none")
	}
	return nil
}

func setDefault[T int | time.Duration](v *T, to T) {
	if *v == 0 {
		*v = to
	}
}
