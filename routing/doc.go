// Package routing carries envelopes between edges, over NATS.
//
// An address is a subject (package subject, the only place that knows how). An
// edge that holds sessions of an identity has a [hub] for it: the local
// sessions, the view of those elsewhere, and one NATS subscription, which costs a few
// bytes (package interest), on a channel that many hubs share. A sender's edge publishes once, to the subject of the
// recipient's address; NATS brings the envelope to each edge that has a hub for
// it, and each hub decides for its own sessions, by their presence. Where a session's
// rule or flag depends on the other sessions, [choose] decides, as a function of the
// view and the envelope, so that all edges decide alike. Nobody looks anything up on
// the way, so there is no location to go stale. Where it is proven that nobody else has a hub, and
// that nothing is on the way, the sender's edge hands out at once: see [alone].
//
// What became of an envelope that reached nobody comes back on the reply subject
// that every publication carries: from the broker when no edge has a hub for the
// address (no responders), from a hub when it has one but nobody at that
// instance. [replies] remembers, for as long as that can take, whom to tell.
//
// Registrations are soft state in Redis. [registrar] brings them there, and again
// whenever Redis was away or was emptied; a hub follows the changes of other
// edges by events on the identity's own subjects.
//
// A [Member] is a session's place in its hub; the members of package cluster are
// processes. Routers have a presence.EdgeID, too: the name of their run.
//
// A message with an id is stored: it goes through the edge's [outbox] into the log of
// its recipient's partition, in order, and hubs are sent a copy of what is stored.
// Package delivery keeps what each session was handed and has acknowledged;
// [reader] reads for those who are behind, [floors] and [removals] bring to Redis and
// to the inbox what was acknowledged, and package sweep moves what was not. Everything
// else is transient, at most once, in the order of its sender.
//
// Whether its recipient wants to hear from a message's sender is decided by [recipients] for
// what is stored, and by [gate], at the recipient's edges, for the rest.
//
// What is for a domain that is not served goes to the identity that has authority over
// it: [gateways] finds out who that is, and [authorities] makes it known.
//
// The package does not decode content, and it does not authenticate; it does check
// that nobody sends as somebody else.
package routing
