// Package events keeps what a platform is told of, from those who tell it until endpoints
// have it. It knows nothing of endpoints but their names.
//
// A [Publisher] is an edge's or a router's: whoever tells it of an event does not wait. It
// brings events into the stream of their identity's partition, in the order in which it was
// told, and again when it does not know whether they are there; the stream knows them by
// their ids. What cannot be kept until then is dropped and counted: an event is never a
// reason to hold up a message.
//
// A [Store] is what deliverers have of the streams: events in their order, for each endpoint
// the [Place] up to which it has them, and the events that it did not take. A place changes
// in one step and only for who has read it, so that of two routers that have a partition at
// once for a moment one learns that it has lost it.
//
// JetStream's own consumers would keep the place, too. They were not taken, since they hand out
// what was not acknowledged again behind what came later, which is out of order.
package events
