// Package grant keeps what identities may do with rooms, as documents in JetStream (package
// document): all that one was granted is one document, which is replaced as a whole.
//
//	room-grants    example=2Eorg.ana    {"rules":[{"room":"/ride/42","may":["enter"]}]}
//
// What was granted has a revision, that of its document: whoever keeps it in memory, as
// sessions do, tells by it what is newer, a removal included.
package grant
