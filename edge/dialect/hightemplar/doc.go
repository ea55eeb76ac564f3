// Package hightemplar is what high-templar's clients say and are told, without any I/O: the
// frames of a connection go in, and what is to be done comes out.
//
//	client ── subscribe, unsubscribe, status, ping ──▶ Client ──▶ rooms to enter and to leave
//	client ◀── is_authorized, code, publish, pong ──── Client ◀── what the backing API allows, what rooms bring
//
// [Dialect] has such clients on an edge: it asks the backing API about each, by an interface, and
// makes frames of what is published, and messages of triggers.
//
// A client has no name of its own. The backing API tells once a connection which rooms it
// may enter, and its subscriptions are known by the id that it has given them, any JSON
// value. Its answers come in the order of its requests: while a room is being entered, it is
// to be read no further.
package hightemplar
