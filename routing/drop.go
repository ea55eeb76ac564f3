package routing

// dropReason is why an envelope was dropped; it is the label of
// limegrove_routing_dropped_total.
type dropReason string

const (
	dropNoRecipient   dropReason = "no_recipient"       // nobody reachable at the address
	dropQueueFull     dropReason = "queue_full"         // the recipient reads too slowly
	dropClosed        dropReason = "closed"             // the recipient's connection is closing
	dropMalformed     dropReason = "malformed"          // what came over NATS is no envelope
	dropHopLimit      dropReason = "hop_limit"          // it has been forwarded too often
	dropOverload      dropReason = "overload"           // this edge cannot keep up with NATS
	dropBroker        dropReason = "broker"             // NATS did not take it
	dropOrigin        dropReason = "no_origin"          // its reply subject is not one of ours
	dropOutboxFull    dropReason = "outbox_full"        // too much waits to be stored
	dropNotifications dropReason = "notifications_full" // too many notifications wait to be stored
	dropNotStored     dropReason = "not_stored"         // the log did not take it in time
	dropOvertaken     dropReason = "overtaken"          // the log took one behind it and not itself, while it had trouble
	dropAfterFailed   dropReason = "after_failed"       // a notification about a message whose sender was told that it failed
	dropInboxFull     dropReason = "inbox_full"         // too much waits for the recipient
	dropForbidden     dropReason = "forbidden"          // its recipient does not want to hear from its sender
	dropUndecided     dropReason = "undecided"          // too much waits to hear whether its sender may send
	dropUnaccepted    dropReason = "unaccepted"         // of a type that its recipient does not take
	dropUnwanted      dropReason = "unwanted"           // an event that its sender does not want to hear of
	dropPresence      dropReason = "presence"           // not an envelope but word of a presence, of which contacts hear later or not at all
	dropGroupReceipt  dropReason = "group_receipt"      // for a message of a group, which it acknowledges and ends with
	dropGroup         dropReason = "group"              // a group takes messages alone
	dropRemoval       dropReason = "removal"            // not an envelope but the removal of one from an inbox: it comes again
)

var dropReasons = []dropReason{
	dropNoRecipient, dropQueueFull, dropClosed, dropMalformed, dropHopLimit, dropOverload, dropBroker, dropOrigin,
	dropOutboxFull, dropNotifications, dropNotStored, dropOvertaken, dropAfterFailed, dropInboxFull, dropUnwanted, dropUnaccepted, dropPresence, dropRemoval,
	dropGroupReceipt, dropGroup, dropForbidden, dropUndecided,
}
