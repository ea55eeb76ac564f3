// Package document keeps what lasts of people – their accounts, contacts, groups,
// delegations – as small documents in JetStream, so that it is on disk and
// replicated.
//
// A [Bucket] is one kind of them and one JetStream key-value bucket. A [Key] begins
// with the identity that a document belongs to, and goes on with what of that
// identity's it is:
//
//	contacts    example=2Eorg.ana.example=2Eorg.rui    what Ana says of Rui
//
// One document is changed in one step, with compare-and-set ([Bucket.Change]);
// several documents are not. What a document says is its owner's: the package moves
// bytes. The spelling of an identity is kept in the document, the key is folded.
//
// With several replicas a read may be answered by one that is some milliseconds
// behind; a change never is: it is tried again with what is really there. Nothing is
// cached, nothing runs in the background, and there is nothing to close.
package document
