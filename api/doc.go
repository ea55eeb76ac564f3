// Package api is the HTTP API of routers, by which a platform's own backend works with the cluster
// without holding a session: it sends envelopes as the authority of a domain, publishes to rooms, asks who
// is there, ends sessions, reads inboxes, and keeps accounts.
//
// The package has what is HTTP's: routes, keys and their scopes, limits, idempotency, problems, and the
// document that describes it all, openapi.json. What an operation does it asks of small interfaces, which
// the command ties to what does it. It keeps nothing but limits in memory, so that any router answers any
// request.
//
// A request goes through it like this:
//
//	ServeHTTP ── route, 404/405 ── key, 401 ── rate, 429 ── scope, 403 ── body, 413/415
//	    └── Idempotency-Key: an answer that is kept, or ── the operation ── the answer is kept
//
// Errors are RFC 9457's problems. What is wrong in LIME's words comes with its reason code; what is
// wrong on our side is logged, and told without its text.
package api
