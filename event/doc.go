// Package event has the words in which a cluster tells a platform what has happened: that
// a session began, that a message waits for somebody who is not there. It does no I/O.
//
// An [Event] is about one identity. Those of one identity keep their order on the way to
// whoever wants to hear of them; those of different ones do not. The same event may come
// more than once, with the same id.
package event
