// Package roster keeps who knows whom: the contacts of each identity, who is
// subscribed to whose presence, and when an identity was last seen. All of it is
// documents in JetStream (package document), so that it is on disk and replicated.
//
//	contacts       <owner>.<contact>            what the owner says of the contact
//	subscriptions  at.<target>.<subscriber>     whom a change of the target is told
//	               of.<subscriber>.<target>     whose presences a subscriber is told
//	seen           <identity>                   when its presence was last to be seen
//
// Each part is folded; the values keep spellings. A subscription is two documents: when a
// process dies between them, one is missing or left over until the same is subscribed or
// unsubscribed again, so that changes are not told, or a session that begins is not told of
// the target.
//
// The package does not decide who may see what: what a contact's document says, it hands
// on ([Store.Sharing]).
package roster
