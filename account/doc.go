// Package account keeps the accounts of people: who exists, by which password,
// and what they say of themselves.
//
// They lie in one JetStream key-value bucket, so that they are on disk and
// replicated, and are written with compare-and-set: of two who want the same
// name at the same time, one gets it. A key is made of the folded identity, the
// value keeps the spelling.
//
//	key    <domain>.<name>, as package document makes it
//	value  {"identity":"Ana@Example.org","passwordHash":"$argon2id$…",
//	        "created":"2026-01-02T03:04:05.678Z","properties":{"fullName":"Ana"},
//	        "keys":[{"id":"…","name":"bot","created":"…","lastUsed":"…","hash":"…"}]}
//
// Members of a value that this version does not know are kept when it is
// written again. With several replicas a read may be answered by one that is
// some milliseconds behind; a write never is.
//
// Passwords are hashed by Argon2id, which is meant to cost time and memory. So
// at most as many are hashed at once as there are cores, a bounded queue waits,
// and whoever comes then is refused at once; what has matched a moment ago is remembered by
// this process, and not hashed again (memory.go). An unknown name costs what a wrong
// password costs. Neither passwords, keys nor hashes appear in an error, in a log or
// in what the package returns.
//
// An account may have API keys as well, which machines log in with. They lie in the
// account's own value, so that they are made, counted and revoked in one step with
// respect to each other, are gone with it, and a login reads once.
//
// The package does not know LIME's account resource (package resource does)
// and not who may change an account: its callers decide that.
package account
