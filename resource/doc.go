// Package resource answers the LIME commands that are addressed to the server:
// what a session asks of its account, whether the server is there, what it
// wants to know of others. Routers run it; whatever moves a command to a router
// and the answer back is not its business.
//
// A [Mux] finds the handler of a URI's path and a method. A resource is one
// file with one Handle… function that registers its handlers. A handler gets
// a [Request] whose from the edge has checked, and decides itself whether that
// person may: an identity's resources are its own, and nobody else may read or write
// them without a delegation (L-CMD-14).
//
// A session's own presence is not here: the edge that holds the session answers
// it.
package resource
