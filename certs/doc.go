// Package certs is Limegrove's own certificate authority: it makes the certificates of servers and of
// clients, knows which client has which, and revokes them on all edges at once.
//
//	Authority     signs; it is a folder of PEM files (Folder)
//	Registry      who has which certificate, of the whole cluster: documents in JetStream
//	Revocations   which count no more: every process follows them, and has all in memory
//	Service       what a process with the authority's key does: Authority and Registry together
//	Remote        what one without the key does: it asks one that has it
//	Trust         whom an edge believes in TLS: our authorities, those of others, the default certificates
//
// # Names
//
// A client's certificate is that of an identity, name@domain, which is the common name of its
// subject. Whoever asks chooses nothing else of it: of a request for a certificate its key alone
// is used. An identity is held by whoever has a certificate for it, and by one of those who ask for it with
// the default certificate (Request.First): the first change of its document wins, and the others are
// refused, on whichever edge and router they ask.
//
// The default certificate is the same for all clients that have none of their own. It is good for asking
// for one, and for nothing else.
//
// # Where things are
//
//	certificates   example=2Eorg.ana     {"certificates":[{"serial":"…","expires":"…",…}]}
//	revocations    <serial>              {"identity":"ana@example.org","expires":"…",…}
//
// Both are buckets of JetStream (package document): who has a name and what was revoked must outlive
// Redis, which may lose everything. A revocation is kept until its certificate has expired.
//
// # What it does not do
//
// There are no CRLs and no OCSP: those who believe in the authority are the cluster's own processes, and they
// are told. Certificates of authorities outside have no identity here; one that was revoked by its serial is refused all the same.
package certs
