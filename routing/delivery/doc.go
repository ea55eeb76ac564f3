// Package delivery is the bookkeeping of stored delivery to one session, without
// I/O: what it was handed, what it has acknowledged, and what is to be read next.
//
// A session follows up to two addresses, its node and its identity, each with a
// [Follow]. Messages of an address have positions in its partition's log, and reach
// the session in three ways: as a copy of the log's when it is stored, as a copy of
// the inbox's when the sweep moves it there, or by being read from either. A Follow
// knows exactly which positions were handed out, so the same message coming by
// another way is known as a duplicate, and one that was missed is known to be
// missing.
//
// While it is live, a copy is handed out as it comes. Each log copy names the
// position before it on its address: when that was not handed out, something is
// missing, and the Follow falls behind. So it does when the session cannot be given
// more for now, and so it begins. Behind, copies are only noted, and the messages
// are read: what waits in the inbox, then the log and the inbox once more. In that
// order a message that moves from the log to the inbox in between is seen at least
// once.
//
// A copy that names no position before it, because the log was purged up to there,
// is taken for complete: what was unacknowledged in the purged part has come as the
// inbox's copy, at least a step of the sweep earlier. Should both of its copies have
// been lost, it is still in the inbox, is handed out late when that is read the next
// time, and is never taken for acknowledged, since no run of positions covers it.
//
// The inbox has the messages of an address in the order of the log, since the sweep goes
// through it so. One that comes behind a later one was acknowledged when the sweep came
// by first, and was copied by another that knew of no floor, Redis having lost it. It is
// removed and never handed out: that would be once more, and out of order.
//
// What was handed out is unacknowledged until the client proves that it has it, and
// lies in the session's [Window] until then. Proof is cumulative: a connection keeps
// order. The floor of an address is the position up to which this session has
// acknowledged everything; it may skip what lies in the inbox, which is removed one
// by one, and never what lies in the log.
//
// What a session has sent to its own identity it skips, for others of the identity to
// have (Skip), and its floor stays below that until another's has gone past it, it is seen in
// the inbox, or the log was purged of it. It does not go past it because there is no
// other session: one may come, and a message that was accepted waits for it, in the
// inbox. So a floor says of such a message only that the log is not needed for it, and
// an inbox that was read by a replica that is behind may lack it still: found below the
// floor later, it is not acknowledged by that.
//
// What the rules give to another session it passes (Pass). That session may be gone the next
// moment, with its edge, and nobody tells whether it has acknowledged anything. So what was
// passed is remembered, one by one, and holds the floor down while the log is needed for it,
// until it is known to be acknowledged: another session says so (Release), or a [Review] that
// began later finds it in neither the log nor the inbox. When others come or go, a review reads what
// there still is of it, and what is for this session by then it takes over. Sessions with the same
// view divide the messages between them; with different ones, in between, two may have
// one, or none has it until the next review. A floor of another session that is above it does
// not tell that it is acknowledged, for it may be in the inbox, and the session that it was for may
// have lost both of its copies: what a review finds there again and again is given to the next.
package delivery
