package dialect

import (
	"crypto/x509"
	"net/netip"
)

// Stream is one protocol of frames over TCP, on an address of its own.
type Stream interface {
	// Name is its label in metrics.
	Name() string
	// Domain is what its clients are identities of, and no others: nobody logs in there with
	// LIME. "" for none.
	Domain() string
	// Accept takes a connection of which nothing has come.
	Accept() Framed
}

// Framed is a Client of a Stream: it tells frames apart, and itself asks whether they have
// come. It is told of its first frame by Greet, before Login, and of all others by
// FromClient. What ToClient appends is as many whole frames as there are to be, none too.
//
// What a client says faster than it may is not refused but waits, since it could not be told.
type Framed interface {
	Client
	// Size is how long the frame is with which b begins, as far as that has come: 0 when it
	// cannot be told yet. An error is about what no frame begins with.
	Size(b []byte) (n int, err error)
	// Greet takes the first frame, which it borrows, and who is at the other end. With more the frame counts for nothing, and it is
	// called with the next one as well: a connection has little time until then.
	Greet(frame []byte, from Peer) (more bool)
	// Probe appends a frame that the client answers behind what has come before. FromClient
	// tells the number n of the answer, unless it is 0. It may be called from anywhere.
	Probe(dst []byte, n uint32) []byte
}

// Peer is who is at the other end of a connection of frames.
type Peer struct {
	// Address is the zero AddrPort where there is none.
	Address netip.AddrPort
	// Certificates are what it has shown in TLS, its own first; nil for none. The handshake has looked at them, as far as the
	// configuration of TLS says so.
	Certificates []*x509.Certificate
	// Known is what an Opener has told of them; nil for nothing.
	Known any
}

// Opener is a Stream some of whose clients say nothing first, since their certificate tells who they are.
type Opener interface {
	// Opening is the first frame of a client that has shown such certificates in TLS, in its place; nil when it says something
	// itself. Nobody changes it. What it knows of them then, Greet is told. It is called once, behind the handshake, where that is.
	Opening(certificates []*x509.Certificate) (first []byte, known any)
}
