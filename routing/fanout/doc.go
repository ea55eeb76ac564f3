// Package fanout brings messages for groups to their members.
//
// A message with an id for a group is stored once, in the stream of the group's partition,
// before its sender hears accepted. What is in that stream is what is still to be done: the
// router that has the partition reads it in order, stores a copy in the log of each member,
// and removes the message when all are stored. From there a copy goes the way of any
// message. There is no other record of how far a router has come, so none that could be
// wrong.
//
// One message of a group at a time: the next is begun when the last copy of the one before
// is known to be stored. So each member gets them in the order of the stream, whatever
// fails on the way, and other groups of the partition go on meanwhile: groups have turns of
// one message, one that waits for a log waits beside the others, and what a group has too
// much of is passed over and read when it is its turn.
//
// A copy's message id is made of the message's own and of the member. A router that takes
// a partition over, or two that have it at once for a moment, store what is stored already,
// which the logs know; and a message that its sender sends again is known even by a broker
// that has forgotten that the group's stream had it. That holds for the duplicate window:
// when no router comes for longer in the middle of a message, those who have it may get it
// again, with the same id.
//
// A router has a partition by a lease in Redis, and stops by its own clock when it could not
// renew it. While Redis is away whoever has a partition keeps it.
//
// Who is a member is asked of the groups' leader for each message, but for those that follow
// within a second and were stored before it was asked; the members themselves are remembered
// as long as nothing has changed. What cannot be stored for [Config.Patience] is given up,
// counted, and told to the sender.
//
// Messages without an id are not stored: the same router takes them from the edges, asks who
// may send, and publishes them to whoever is there, those of a group in the order in which
// they came. Groups have turns there, too; what is too much of one is dropped.
package fanout
