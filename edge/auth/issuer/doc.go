// Package issuer is the scheme external: a client shows a token that somebody else has
// signed, a JSON Web Token (RFC 7519).
//
// An [Issuers] knows those whose tokens count, each with its keys, in files or fetched
// from its JWKS address (RFC 7517), and with how its claims name an identity. A token must
// be signed by one of the issuer's keys and an algorithm that is allowed for it, be for
// one of its audiences, and expire. The identity that it names must be the one that the
// client wants to be, in a domain that the issuer may speak for.
//
// Only signatures by a private key count. A token without a signature, or signed with a
// secret, is none, whatever its header says: the algorithms are the issuer's, and not the
// token's. What is wrong with a token the client is not told; a counter is.
//
// Signatures and keys are the business of github.com/go-jose/go-jose/v4. Keys are
// fetched when a token needs them, by a goroutine that ends with the answer, or with
// [Issuers.Close]. A login waits for it no longer than a second.
package issuer
