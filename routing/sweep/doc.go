// Package sweep walks behind the logs' ends: what was not acknowledged by then moves to
// the inboxes, to wait there, and the log is purged up to there.
//
// For each partition one router does so at a time, by a lease in Redis. That two do it
// at once for a moment, after one of them has stalled, does no harm: both copy the same
// messages in the same order, JetStream knows a copy by the message's position, and
// the log is purged only behind what has been copied. A router that dies leaves the
// log longer than it need be, and the next begins where the log does.
//
// A step looks at what is older than the delay, asks Redis for the floors of the
// addresses, and copies what is above them. The log is purged one step later, so that
// hubs that have missed a message get its copy from the inbox before they can be told,
// by a later message, that there was nothing before it. Without Redis there is no step:
// the log only grows.
//
// Whoever wants to hear of messages that begin to wait, or wait no longer, is told by events
// that are stored in the same step.
//
// What does not fit into an inbox, what no stream takes for its length, and what has
// waited for longer than its lifetime is given back: its sender is told that it failed,
// by a notification that is stored like a message. Only when that is in its log is the
// message deleted, of the log as of the inbox, so that nobody reads any more what has failed;
// until then a step is done again, and JetStream knows the notification by the message's
// position.
package sweep
