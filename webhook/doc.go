// Package webhook brings events to the endpoints of a platform, over HTTP.
//
// Of all routers one at a time has a partition, by a lease, and has a worker there for each
// endpoint. A worker reads the events in their order, posts those that its endpoint wants in
// batches, and keeps the endpoint's place when a batch is taken: so each event is posted at
// least once, and what is posted again, after a death, comes in order again. It goes on
// only when a batch was taken or buried, and so an identity's events never overtake each
// other. Different partitions, and so different identities, have no order.
//
// An endpoint that says that it has taken a batch (2xx) has it. One that finds fault with it
// (400, 422 and their like) gets it in halves, until what it does not take is one event, which goes to the dead
// letters. Anything else, or nothing in time, is a failure: the batch is tried again, later and
// later, until its events are older than [Endpoint.RetryFor]; then these are dead letters.
//
// Endpoints share nothing: each has workers, connections and a [gate] of its own, through
// which so many requests at once go to it from this router, and one that tries when it has failed
// some times in a row. So one that is slow or dead delays no other, and is not pressed by all
// partitions at once.
//
// What all endpoints have is removed from the stream. The stream is bounded: what an endpoint
// has not taken when it is full or too old is lost to it, and counted.
package webhook
