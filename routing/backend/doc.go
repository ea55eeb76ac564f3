// Package backend sends envelopes for a platform's own backend, which holds no session: as the
// authority of a domain, in the name of the domain's server or of one of its identities.
//
// For each domain a [Backend] has one place among the hubs of its process, at a node of the domain's
// server that no other process has (lime.BackendNode). What becomes of a message comes there as it
// comes to any sender, and whoever waits for it is told. Nothing else is taken there, and nothing
// is kept: who has stopped to wait hears nothing more.
package backend
