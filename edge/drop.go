package edge

// dropReason is why an envelope of a client was not passed on; it is the label of
// limegrove_edge_dropped_total.
type dropReason string

const (
	dropRefused   dropReason = "refused"    // with a reason, or without an id to give one for
	dropRate      dropReason = "rate"       // above the session's rate
	dropQueueFull dropReason = "queue_full" // an answer to a client that reads too slowly
	dropUnwanted  dropReason = "unwanted"   // an event, or an answer, that nobody waits for
	dropLoop      dropReason = "loop"       // a receipt addressed to its own sender
	dropNoID      dropReason = "no_id"      // a request that cannot be answered
	dropIgnored   dropReason = "ignored"    // of somebody from whom nothing is taken for a while
)

var dropReasons = []dropReason{dropRefused, dropRate, dropQueueFull, dropUnwanted, dropLoop, dropNoID, dropIgnored}
