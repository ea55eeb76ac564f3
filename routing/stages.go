package routing

import "time"

// stage is a part of a stored message's way that is timed; the label of
// limegrove_routing_delivery_seconds.
type stage uint8

const (
	stageAccept stage = iota
	stageStore
	stageDeliver
	stageAcknowledge
)

var stageNames = [...]string{"accept", "store", "deliver", "acknowledge"}

// One message in so many is timed: to look at the clock and at a histogram costs more than what else
// is counted of one.
const timedPart = 8

// timed tells whether a message is, by its number in its queue or its log.
func timed(number uint64) bool { return number%timedPart == 0 }

// tick is a moment since the hubs were made, in ten microseconds, so that an entry of a window has room for it.
// It wraps around after twelve hours, and is 0 for none.
type tick uint32

const tickUnit = 10 * time.Microsecond

// tick returns the present one.
func (h *Hubs) tick() tick { return max(1, tick(time.Since(h.made)/tickUnit)) }

// since is the time from o to t.
func (t tick) since(o tick) time.Duration { return time.Duration(t-o) * tickUnit }

// took notes how long a stage took. Clocks of several machines may differ: what was over before it began took
// no time.
func (m *metrics) took(s stage, d time.Duration) { m.stages[s].Observe(max(0, d).Seconds()) }
