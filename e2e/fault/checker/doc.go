// Package checker judges a history of a cluster under faults. It knows the history
// alone, and nothing of how a cluster works: only what clients were promised.
//
// # What is a violation
//
//   - Lost: a message was accepted, a session of its address was there in the end,
//     and no session of its address ever got it. Unjudged: the same, but nobody of its
//     address came back, so that the history cannot tell. (To the sender's own identity
//     the sender itself is nobody: it asks for no echo.)
//     A message to a group is lost for each of its members, but for its sender, no session of
//     whose got it.
//   - Duplicated: one session got a message twice. That a later session gets it again
//     is allowed, and counted as redelivered.
//   - Reordered: see below.
//   - Misdelivered: a session got what is not addressed to its node or identity, or
//     what was sent to its identity before it was available, or anything while it was
//     unavailable.
//   - Unknown: a session got a message that nobody had sent, or was told of one that
//     its node had not sent. Altered: a message came with another sender, address or
//     number than it was sent with.
//   - Early: the sender was told that a message was dispatched, received or consumed,
//     and not yet that it was accepted. Only a message whose one attempt was made in
//     that session counts: after a resend the notification may be about an attempt
//     whose accepted was lost with its session.
//   - AfterFailed: anything told of a message after its failed, in the same session and
//     without another attempt between. Only a message that was first sent in that session
//     counts: otherwise the news may be of an earlier attempt, of whose fate nobody knew.
//   - Retracted: failed after accepted, and indeed not delivered. Belied: failed after
//     accepted, and delivered. (Failed and never accepted, yet delivered, is allowed:
//     the failure of a hand-over, 51, says that one may try again with the same id. It
//     is counted as unsure.)
//   - Died: an edge or a router ended by itself; or, when it was asked to end, with a
//     status other than 0, or not at all, so that it had to be killed. Status 1 is allowed
//     in two cases, and reported: of one that was never ready since it was started, for it
//     may do so when NATS or Redis is away; and at a request while there was another
//     fault, or within the time of Outage after one, since goodbyes may fail then. When it
//     was killed its status says nothing. Brokers and Redis are others' programs: that they
//     end by themselves is reported, and no violation.
//   - Outage: after the last fault was healed, too much time went by until messages
//     were accepted again steadily.
//   - Vacuous: the history has no end, or nothing was accepted in it, or there was no
//     fault in it where some were to come.
//
// # Which order is promised
//
// Two messages a and b of one sender to one address, a sent before b, are reordered
// when one session got b before a, and either
//
//  1. a was accepted before b was first sent, or
//  2. both were first sent in the same session, and a was accepted in it without
//     having failed there before.
//
// Whatever failed, or was unanswered when its session ended, has no place in the order
// before it is accepted: b may have been stored by then, and a is stored by a later
// attempt. Rule 2 is promised because a sender that hears accepted for its first
// attempt can know of no trouble with it. Copies that one session gets beyond the
// first are duplicates and do not count here. A copy that an earlier session of the node
// had already got has its place in the order as well; such are told apart in the report.
//
// # Cost
//
// The history is read once. Some 250 bytes are kept for each message, and nothing for
// the other events.
package checker
