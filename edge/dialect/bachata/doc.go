// Package bachata maps what bachata's clients say to envelopes, and envelopes to what they
// expect. It does no I/O and keeps no state but what was confirmed last.
//
//	bachata                             LIME
//	a channel                           the identity <escaped channel>@<domain>; a socket is an instance
//	1000 ready                          session established
//	{id, type, dest, data, …}           message
//	100 taken for delivery              notification accepted
//	200 the receiver has it             notification received, of the receiver
//	300 the receiver has confirmed      notification received or consumed, to the sender
//	1001 ping, 1002 pong                answered here
//
// A message of {"type": "text", "data": "…"} becomes text/plain, which every client of LIME
// shows; what else a message has becomes content of the media type MediaMessage, whole, so
// that no member is lost. LIME's notifications of other kinds, and commands, have no frame.
//
// An id may be any JSON value. One that is no text, or begins with a #, is a # and its JSON
// as the id of an envelope.
//
// A destination is a channel, but for "lime:ana@example.org", which is an identity or a node
// of LIME; messages of those bear it as their from.
package bachata
