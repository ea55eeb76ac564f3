// Package ticket has clients resume TLS on any edge.
//
// A client that comes back shows the ticket that its last connection gave it, and both are spared
// the certificate and its signature (RFC 8446, section 2.2), with an RSA key most of what a
// handshake costs. That counts when everybody comes back at once, after an edge has died, and
// then they come to another one. So an edge must read the tickets of the others.
//
// # Keys
//
// All edges with the same certificate key have the same ticket keys, since they are made of it:
// HKDF of the private key and the number of the period, of twelve hours, that a ticket is made
// in. Nothing is to be configured, stored or told. A ticket is good in its own period and the
// next, and one of the period that is to begin is read as well, for clocks that differ.
//
// Whoever has the private key can thereby read tickets. In TLS 1.3 that gives away nothing of
// what was or is said, since a resumed connection agrees on fresh keys as well (psk_dhe_ke). In
// TLS 1.2 it would, so there are no tickets.
//
// # Client certificates
//
// A connection whose client has shown a certificate is never resumed: each time the certificate
// is looked at with the authorities of that day, and somebody who has the ticket keys cannot
// make a ticket that says what certificate there was.
package ticket
