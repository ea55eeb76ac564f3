// Package aioconnectors maps the frames of connectors of the Python package aioconnectors, in
// the role of a client, to envelopes, and envelopes to frames. It does no I/O.
//
//	aioconnectors                       LIME
//	a connector                         the identity <escaped name>@<domain>, of which it has one session
//	the handshake                       session established; it has no answer
//	a message                           message, to the service, or to whom its destination_id names
//	_ack                                notification accepted or failed
//	_ping                               answered here; ours proves what a connector has
//	a topic                             the room {"topic": …}
//
// The data of a frame is the content of its message: an object application/json, another text
// text/plain. What has bytes that are no text, or a binary part, is of MediaMessage. Members of
// the header are metadata; those about one hop end here.
//
// Frames and envelopes are borrowed, and what is made of one is new: a connection at rest has no
// buffers.
package aioconnectors
