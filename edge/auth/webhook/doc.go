// Package webhook has the platform's own HTTP API decide about logins.
//
// A [Webhook] posts what the client has said, and what the edge knows of it, and takes the
// grant, or the reason why there is none, from the answer; docs/protocol.md has both. The
// API is asked by routers alone, with a secret by which it knows them.
//
// It may be slow or away, and nobody in session notices: a request has a time, there are so
// many at once and no more, and after some failures nobody is asked for a moment, so that
// logins fail at once instead of piling up. To refuse is no failure, in whatever way: otherwise
// some bad logins would close the door for everybody. What it has granted is remembered for as long as
// it says itself; what it has refused is not.
//
// Credentials go over the wire and nowhere else: not into errors, nor into the cache, whose
// keys are made of them by a key of this process.
package webhook
