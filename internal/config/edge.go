package config

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scheme is a way of authentication that an edge may offer.
type Scheme string

// The known schemes.
const (
	SchemeGuest Scheme = "guest"
	SchemePlain Scheme = "plain"
	SchemeKey   Scheme = "key"

	SchemeTransport Scheme = "transport"
	SchemeExternal  Scheme = "external"
)

// schemes are the known ones.
var schemes = []Scheme{SchemeGuest, SchemePlain, SchemeKey, SchemeTransport, SchemeExternal}

// Encryption is what a session over TCP may choose.
type Encryption string

// What a session over TCP may choose.
const (
	EncryptionTLS  Encryption = "tls"
	EncryptionNone Encryption = "none"
)

// NodeConflict says who yields when a session asks for a node that another
// session holds.
type NodeConflict string

// The answers to a taken node.
const (
	ConflictReplace NodeConflict = "replace" // the newer session wins
	ConflictRefuse  NodeConflict = "refuse"  // the older session stays
)

// Recipients says whom messages are stored for.
type Recipients string

// Whom messages are stored for.
const (
	RecipientsKnown  Recipients = "known"  // accounts, and guests that are or were here
	RecipientsAnyone Recipients = "anyone" // whoever is named
)

// Edge is the command line of the edge.
type Edge struct {
	Shared

	// Listen is the address for WebSocket sessions. Default :8080.
	Listen string
	// Pages is whether the chat page is served on Listen, too. Default only when NATS or
	// Redis is embedded: whoever looks at Limegrove wants to see it, and a platform has pages
	// of its own, and rules for what its listeners show to the public.
	Pages bool
	// TLSCert and TLSKey are PEM files; with them sessions are wss, and those over TCP may
	// be encrypted. Both or neither.
	TLSCert, TLSKey string
	// TLSClientCA is a PEM file with the authorities that client certificates are verified
	// against. Clients are then asked for one, and need not have any. Default none.
	TLSClientCA string
	// TCP is the address for sessions over TCP. Default none.
	TCP string
	// TCPEncryption is what those sessions are offered, best first. Default tls with a
	// certificate, else none.
	TCPEncryption []Encryption
	// Auth is the schemes offered, in this order. Default guest, plain.
	Auth []Scheme

	// ForwardHeaders and ForwardCookies are what of an upgrade's request goes to routers
	// with a login, for a webhook. Default none.
	ForwardHeaders, ForwardCookies []string

	// API is the HTTP API of the router inside.
	API API

	// Bachata is for the clients of that protocol.
	Bachata Bachata
	// HighTemplar is for those of that one.
	HighTemplar HighTemplar
	// AioConnectors is for connectors of aioconnectors.
	AioConnectors AioConnectors

	// Data is the folder of the embedded stores. Default ./limegrove-data.
	Data string
	// RunRouter is whether this process runs a router too. Default only when
	// NATS or Redis is embedded.
	RunRouter bool

	// MaxEnvelope is the largest envelope accepted, in bytes. It stays below the
	// broker's max_payload. Default 524288.
	MaxEnvelope int
	// MaxRate is the envelopes a second that one session may send; twice that at
	// once. Default 1000; 0 means no limit.
	MaxRate int
	// MaxBytesRate is the bytes a second that one session may send. Default
	// 4194304; 0 means no limit.
	MaxBytesRate int
	// MaxSessions bounds the connections; what comes beyond is told to come again.
	// Default 0: what the limit of open files leaves.
	MaxSessions int
	// MaxSessionsPerAddress bounds the connections from one network address.
	// Default 0, no limit: behind a load balancer all come from few.
	MaxSessionsPerAddress int
	// MaxSessionsPerIdentity bounds the sessions of one identity. Default 100;
	// 0 means no limit.
	MaxSessionsPerIdentity int
	// MaxRooms bounds the rooms that one session is in. Default 100; 0 means no limit.
	MaxRooms int
	// SendQueue is the bytes that may wait for one session's socket. Default
	// 40960.
	SendQueue int
	// MaxHeld is the bytes that may be held of what is half sent by all clients. Default
	// 134217728.
	MaxHeld int
	// MaxQueued is the bytes that may wait for all clients. Default 268435456.
	MaxQueued int
	// AdmissionRate is the connections a second that are let in. Default 5000; 0 means no
	// limit.
	AdmissionRate int
	// AddressRate is the connections a second that one network address may open, unless it is exempt.
	// Default 100; 0 means no limit.
	AddressRate int
	// AdmissionExempt names addresses and networks that AddressRate does not bound; see Exempt. Default private.
	AdmissionExempt []string
	// Compression is the level at which messages are compressed for WebSocket clients that
	// offer permessage-deflate, 1 to 9. Default 0, none.
	Compression int
	// CompressionThreshold is the bytes from which on a message is compressed. Default
	// 512.
	CompressionThreshold int
	// NodeConflict is what a second session for the same node meets. Default
	// replace.
	NodeConflict NodeConflict

	// Rebalance is whether the edge finishes sessions, slowly, when it has many more
	// than the mean of all edges. Default true.
	Rebalance bool

	// Recipients is whom messages with an id are stored for. Default known.
	Recipients Recipients

	// EstablishTimeout is how long a connection may take to become an
	// established session. Default 30s.
	EstablishTimeout time.Duration
	// PingInterval is how long a session may be silent before it is pinged.
	// Default 30s; shorter than IdleTimeout.
	PingInterval time.Duration
	// IdleTimeout is how long a session may be silent, pings unanswered, before
	// it is closed. Default 90s.
	IdleTimeout time.Duration
	// DrainTimeout bounds a drain; what is still open then is cut. Keep it 10s below
	// terminationGracePeriodSeconds: what follows may take that long. Default 25s.
	DrainTimeout time.Duration

	router, pages optionalBool
}

// EmbeddedNATS tells that no NATS was named, so that the process runs its own.
func (e Edge) EmbeddedNATS() bool { return e.NATS == "" }

// EmbeddedRedis tells that no Redis was named, so that the process runs its own.
func (e Edge) EmbeddedRedis() bool { return e.Redis == "" }

// ParseEdge reads the edge's command line; args is without the program's name.
// With -h it writes the usage to out and returns [flag.ErrHelp]; any other error
// is bad usage, in one line.
func ParseEdge(args []string, getenv func(string) string, out io.Writer) (Edge, error) {
	e, _, err := ReadEdge(args, getenv, out)
	return e, err
}

// ReadEdge is ParseEdge that tells, too, what was given and by what.
func ReadEdge(args []string, getenv func(string) string, out io.Writer) (Edge, *Settings, error) {
	var e Edge
	b := e.bind()
	if err := b.parse(args, getenv, out); err != nil {
		return Edge{}, nil, err
	}
	given := b.settings()
	if err := e.finish(); err != nil {
		return Edge{}, nil, err
	}
	return e, given.with(map[string]string{
		"router": strconv.FormatBool(e.RunRouter), "pages": strconv.FormatBool(e.Pages), "tcp-encryption": joined(e.TCPEncryption), "hightemplar-rooms": e.HighTemplarRooms.Rooms,
	}), nil
}

// EdgeOf is the edge that has these settings, as ReadEdge returned them or [Settings.Next] made them of two such. It reads
// the files that they name.
func EdgeOf(s *Settings) (Edge, error) {
	var e Edge
	b := e.bind()
	if err := b.take(s); err != nil {
		return Edge{}, err
	}
	if err := e.finish(); err != nil {
		return Edge{}, err
	}
	return e, nil
}

// bind binds the fields to flags.
func (e *Edge) bind() *binder {
	b := newBinder("edge", "An edge terminates LIME sessions. Without -nats and -redis it embeds both.")

	b.group("Sessions")
	b.str(&e.Listen, "listen", ":8080", "`address` for WebSocket sessions")
	b.value(&e.pages, "pages", "serve the chat page on -listen (default only with an embedded store)")
	b.domains(&e.Domains)
	bindList(b, &e.Auth, "auth", defaultAuth, "authentication `schemes` offered, best first, of guest, plain, key, transport and external")
	bindList(b, &e.ForwardHeaders, "auth-webhook-headers", "", "`names` of headers of the WebSocket request that -auth-webhook is told; may be repeated")
	bindList(b, &e.ForwardCookies, "auth-webhook-cookies", "", "`names` of cookies of the WebSocket request that -auth-webhook is told; may be repeated")
	b.str(&e.TCP, "tcp", "", "`address` for sessions over TCP, such as :55321; empty for none")
	bindList(b, &e.TCPEncryption, "tcp-encryption", "", "`what` sessions over TCP may choose, best first: tls, none or both (default tls with a certificate, else none)")
	b.str(&e.TLSCert, "tls-cert", "", "PEM `file` with the certificate; sessions are then wss")
	b.str(&e.TLSKey, "tls-key", "", "PEM `file` with the key of -tls-cert")

	b.str(&e.TLSClientCA, "tls-client-ca", "", "PEM `file` with the authorities of client certificates, for the scheme transport")

	b.group("Stores")
	b.stores(&e.Shared, "; empty runs one inside, on loopback")
	b.recipients(&e.Recipients)
	b.str(&e.Data, "data", "./limegrove-data", "`folder` of the embedded stores")
	b.value(&e.router, "router", "run a router in this process (default only with an embedded store)")

	b.member(&e.Shared)
	b.logins(&e.Logins)
	b.authority(&e.Authority)
	b.webhooks(&e.Shared)

	b.api(&e.API)

	b.bachata(&e.Bachata)
	b.group("High-templar")
	b.highTemplar(&e.HighTemplar)
	b.highTemplarRooms(&e.HighTemplarRooms)
	b.highTemplarTriggers(&e.HighTemplarTriggers)
	b.aioConnectors(&e.AioConnectors)

	b.group("Limits")
	b.num(&e.MaxEnvelope, "max-envelope", 512<<10, "largest envelope, in `bytes`")
	b.num(&e.MaxRate, "max-rate", 1000, "`envelopes` a second from one session, twice that at once; 0 for no limit")
	b.num(&e.MaxBytesRate, "max-bytes-rate", 4<<20, "`bytes` a second from one session; 0 for no limit")
	b.num(&e.MaxSessions, "max-sessions", 0, "`connections` at once; 0 for what the limit of open files leaves")
	b.num(&e.MaxSessionsPerAddress, "max-sessions-per-address", 0, "`sessions` from one network address; 0 for no limit")
	b.num(&e.MaxSessionsPerIdentity, "max-sessions-per-identity", 100, "`sessions` of one identity; 0 for no limit")
	b.num(&e.MaxRooms, "max-rooms", 100, "`rooms` that one session may be in; 0 for no limit")
	b.num(&e.SendQueue, "send-queue", 40<<10, "`bytes` that may wait for one session's socket")
	b.num(&e.MaxHeld, "max-held", 128<<20, "`bytes` half sent of all clients; beyond, the oldest are cut")
	b.num(&e.MaxQueued, "max-queued", 256<<20, "`bytes` that may wait for all clients together")
	b.num(&e.AdmissionRate, "admission-rate", 5000, "`connections` a second, and as many at once; 0 for no limit")
	b.num(&e.AddressRate, "admission-rate-per-address", 100, "`connections` a second from one network address, and as many at once; 0 for no limit")
	bindList(b, &e.AdmissionExempt, "admission-exempt", ExemptPrivate, "`networks` that -admission-rate-per-address is not for: addresses, networks, private, none")
	b.num(&e.Compression, "compression", 0, "`level`, 1 to 9, of compression for WebSocket clients that offer it; 0 for none")
	b.num(&e.CompressionThreshold, "compression-threshold", compressionThreshold, "`bytes` from which on a message is compressed")
	b.str((*string)(&e.NodeConflict), "node-conflict", string(ConflictReplace), "`answer` to a second session for a node: replace or refuse")

	b.yes(&e.Rebalance, "rebalance", true, "finish sessions, slowly, when other edges have many fewer; =false to keep them")

	b.group("Groups and rooms")
	b.groupBounds(&e.Shared)
	b.rooms(&e.Shared)
	b.files(&e.Files)
	b.fileTransfers(&e.Files)

	b.group("Times")
	b.dur(&e.EstablishTimeout, "establish-timeout", 30*time.Second, "`time` until a connection must be an established session")
	b.dur(&e.PingInterval, "ping-interval", 30*time.Second, "`time` of silence until a session is pinged")
	b.dur(&e.IdleTimeout, "idle-timeout", 90*time.Second, "`time` of silence until a session is closed")
	b.dur(&e.DrainTimeout, "drain-timeout", 25*time.Second, "`time` that a drain may take")

	b.tracing(&e.Tracing)
	b.process(&e.Shared)
	return b
}

// finish validates what the fields were given, and fills in what depends on others.
func (e *Edge) finish() error {
	if len(e.TCPEncryption) == 0 {
		e.TCPEncryption = []Encryption{EncryptionNone}
		if e.TLSCert != "" {
			e.TCPEncryption = []Encryption{EncryptionTLS}
		}
	}
	if err := e.validate(); err != nil {
		return err
	}
	embeds := e.EmbeddedNATS() || e.EmbeddedRedis()
	e.RunRouter, e.Pages = e.router.or(embeds), e.pages.or(embeds)
	e.router, e.pages = optionalBool{}, optionalBool{}
	var c check
	c.that(!e.RunRouter || !slices.Contains(e.Auth, SchemeExternal) || e.Logins.External(),
		"auth", "external needs -auth-issuers, or a webhook that decides about it")
	c.that(!e.RunRouter || e.Bachata.Path == "" || e.Bachata.Auth != ChannelWebhook || e.Logins.decides(SchemeExternal),
		"bachata-auth", "webhook needs -auth-webhook, and external in -auth-webhook-schemes")
	c.that(e.API.Listen == "" || e.RunRouter, "api", "needs a router here: -router")
	e.Files.validateTransfers(&c, e.RunRouter)
	c.that(e.Files.Listen == "" || e.Files.Listen != e.Listen || strings.HasSuffix(e.Listen, ":0"), "files", "%s is the address of -listen", e.Files.Listen)
	return c.err
}

// LoginFlags are the flags, with their values, that every edge has to be given alike to let in
// the same clients.
func (e *Edge) LoginFlags() (flags []string) {
	if auth := joined(e.Auth); auth != defaultAuth {
		flags = append(flags, "-auth "+auth)
	}
	for _, f := range []struct{ name, value string }{
		{"tls-client-ca", e.TLSClientCA}, {"authority", e.Authority.Folder}, {"auth-webhook-headers", joined(e.ForwardHeaders)}, {"auth-webhook-cookies", joined(e.ForwardCookies)},
	} {
		if f.value != "" {
			flags = append(flags, "-"+f.name+" "+f.value)
		}
	}
	return flags
}

// compressionThreshold is a length below which messages hardly get shorter.
const compressionThreshold = 512

// defaultAuth are the schemes that are offered where none are named.
const defaultAuth = "guest,plain"

// joined is a list as a flag has it.
func joined[T ~string](all []T) string {
	var b strings.Builder
	for i, one := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(one))
	}
	return b.String()
}

// headerRoom is what the headers that travel with an envelope may take of the broker's
// max_payload: those of the log, the inbox and what JetStream adds to a copy, with addresses
// that may be long.
const headerRoom = 16 << 10

// embeddedPayload is the embedded NATS's max_payload less room for the headers.
const embeddedPayload = 1<<20 - headerRoom

// CheckPayload refuses envelopes that the broker would not carry, by what it says its
// max_payload is. A message that is stored and cannot be copied with a header more would
// fail after it was accepted.
func (e *Edge) CheckPayload(maxPayload int64) error {
	var c check
	c.that(int64(e.MaxEnvelope)+headerRoom <= maxPayload, "max-envelope",
		"%d is more than the broker carries: its max_payload is %d, of which %d are for headers", e.MaxEnvelope, maxPayload, headerRoom)
	return c.err
}

func (e *Edge) validate() error {
	if err := e.Shared.validate(false); err != nil {
		return err
	}
	var c check
	c.that(e.Listen != "", "listen", "empty: no session could ever come")
	c.listen("listen", e.Listen)
	c.that((e.TLSCert == "") == (e.TLSKey == ""), "tls-cert", "goes with -tls-key: give both or neither")
	c.that(e.TLSClientCA == "" || e.TLSCert != "", "tls-client-ca", "needs -tls-cert and -tls-key")
	c.that(!e.Authority.On() || e.TLSCert != "", "authority", "needs -tls-cert and -tls-key")
	c.that(e.TLSClientCA != "" || e.Authority.On() || !slices.Contains(e.Auth, SchemeTransport), "auth", "transport needs -authority or -tls-client-ca")
	if e.TCP != "" {
		c.listen("tcp", e.TCP)
		c.that(e.TCP != e.Listen || strings.HasSuffix(e.TCP, ":0"), "tcp", "%s is the address of -listen", e.TCP)
	}
	for i, o := range e.TCPEncryption {
		c.that(!slices.Contains(e.TCPEncryption[:i], o), "tcp-encryption", "%q is given twice", o)
		c.that(o == EncryptionTLS || o == EncryptionNone, "tcp-encryption", "%q is neither tls nor none", o)
		c.that(o != EncryptionTLS || e.TLSCert != "", "tcp-encryption", "tls needs -tls-cert and -tls-key")
	}
	c.that(len(e.Auth) > 0, "auth", "needs at least one scheme")
	for i, s := range e.Auth {
		c.that(!slices.Contains(e.Auth[:i], s), "auth", "the scheme %q is given twice", s)
		c.that(slices.Contains(schemes, s), "auth", "unknown scheme %q; known are %v", s, schemes)
	}
	e.Bachata.validate(&c, e.Domains)
	e.API.validate(&c)
	e.HighTemplar.validate(&c, e.Domains)
	if e.Bachata.Path != "" && e.HighTemplar.Path != "" {
		c.that(strings.Trim(e.Bachata.Path, "/") != strings.Trim(e.HighTemplar.Path, "/"), "hightemplar", "%s is the path of -bachata", e.HighTemplar.Path)
		c.that(!strings.EqualFold(e.Bachata.Domain, e.HighTemplar.Domain), "hightemplar-domain", "%s is that of -bachata-domain", e.HighTemplar.Domain)
	}
	e.AioConnectors.validate(&c, e.Domains)
	if a := e.AioConnectors; a.Address != "" {
		c.that(strings.HasSuffix(a.Address, ":0") || a.Address != e.Listen && a.Address != e.TCP, "aioconnectors", "%s is the address of -listen or -tcp", a.Address)
		c.that(!a.Certificates || e.Authority.On(), "aioconnectors-certificates", "needs -authority")
		c.that(!a.TLS || e.TLSCert != "", "aioconnectors-tls", "needs -tls-cert and -tls-key")
		c.that(e.Bachata.Path == "" || !strings.EqualFold(e.Bachata.Domain, a.Domain), "aioconnectors-domain", "%s is that of -bachata-domain", a.Domain)
		c.that(e.HighTemplar.Path == "" || !strings.EqualFold(e.HighTemplar.Domain, a.Domain), "aioconnectors-domain", "%s is that of -hightemplar-domain", a.Domain)
	}
	c.that(e.Bachata.Path == "" || e.Bachata.Auth == ChannelOpen || slices.Contains(e.Auth, SchemeExternal), "bachata-auth", "%s needs external in -auth", e.Bachata.Auth)
	c.that(len(e.ForwardHeaders)+len(e.ForwardCookies) <= 64, "auth-webhook-headers", "more than 64 with -auth-webhook-cookies")
	c.that(e.Data != "" || !e.EmbeddedNATS(), "data", "must name a folder when -nats is empty")
	c.atLeast("max-envelope", e.MaxEnvelope, 1024)
	c.that(e.MaxEnvelope <= 1<<20-1024, "max-envelope", "%d is more than clients take in one frame", e.MaxEnvelope)
	c.that(e.MaxEnvelope <= embeddedPayload || !e.EmbeddedNATS(), "max-envelope", "%d is more than the embedded NATS carries, %d", e.MaxEnvelope, embeddedPayload)
	c.atLeast("max-rate", e.MaxRate, 0)
	c.atLeast("max-bytes-rate", e.MaxBytesRate, 0)
	c.that(e.MaxBytesRate == 0 || e.MaxBytesRate >= e.MaxEnvelope, "max-bytes-rate", "%d is less than one envelope of -max-envelope %d", e.MaxBytesRate, e.MaxEnvelope)
	c.atLeast("max-sessions", e.MaxSessions, 0)
	c.atLeast("max-sessions-per-address", e.MaxSessionsPerAddress, 0)
	c.atLeast("max-sessions-per-identity", e.MaxSessionsPerIdentity, 0)
	c.atLeast("max-rooms", e.MaxRooms, 0)
	c.atLeast("send-queue", e.SendQueue, 4096)
	c.atLeast("max-held", e.MaxHeld, 4*e.MaxEnvelope)
	c.atLeast("max-queued", e.MaxQueued, 1<<20)
	c.atLeast("admission-rate", e.AdmissionRate, 0)
	c.that(e.AdmissionRate <= 1_000_000, "admission-rate", "%d is more than a million", e.AdmissionRate)
	c.atLeast("admission-rate-per-address", e.AddressRate, 0)
	c.that(e.AddressRate <= 1_000_000, "admission-rate-per-address", "%d is more than a million", e.AddressRate)
	for _, one := range e.AdmissionExempt {
		_, ok := exempt(one)
		c.that(ok, "admission-exempt", "%q is neither an address nor a network, %s or %s", one, ExemptPrivate, ExemptNone)
	}
	c.atLeast("compression", e.Compression, 0)
	c.that(e.Compression <= 9, "compression", "%d is more than 9", e.Compression)
	c.atLeast("compression-threshold", e.CompressionThreshold, 1)
	c.that(e.NodeConflict == ConflictReplace || e.NodeConflict == ConflictRefuse, "node-conflict", "%q is neither replace nor refuse", e.NodeConflict)
	c.recipients(e.Recipients)
	c.positive("establish-timeout", e.EstablishTimeout)
	c.positive("ping-interval", e.PingInterval)
	c.positive("idle-timeout", e.IdleTimeout)
	c.positive("drain-timeout", e.DrainTimeout)
	c.that(e.PingInterval < e.IdleTimeout, "ping-interval", "%s is not shorter than -idle-timeout %s", e.PingInterval, e.IdleTimeout)
	return c.err
}
