package routing

import "time"

// outboxQueue is what is on its way into the log of one partition, in the order in
// which it came. It is published in that order and, when something goes wrong, again
// from there on: so what is stored is always the beginning of what was sent, but for
// duplicates, which JetStream knows by their ids.
type outboxQueue struct {
	all      []*outgoing
	whole    []*outgoing // the memory that all is the end of
	first    uint64      // the sequence of all[0]
	sent     int         // how many of all were published since it last went back
	moved    time.Time   // when something was last stored, or the first was published
	waitTill time.Time   // nothing is published before
	failures int         // in a row; while there are any, one is published at a time
}

// How long a partition waits after a failure: twice as long each time.
const (
	outboxPause    = 50 * time.Millisecond
	outboxPauseMax = time.Second
)

// add puts an envelope behind the others.
func (q *outboxQueue) add(o *outgoing) {
	o.sequence = q.first + uint64(len(q.all))
	if len(q.all) == cap(q.all) {
		q.makeRoom()
	}
	q.all = append(q.all, o)
}

// makeRoom moves all to the front of its memory when at least half of that is free again, and
// to more of it otherwise.
func (q *outboxQueue) makeRoom() {
	whole := q.whole
	if 2*len(q.all) >= cap(whole) || cap(whole) > outboxWindow && len(q.all) == 0 {
		whole = make([]*outgoing, max(2*len(q.all), 16))
	}
	n := copy(whole, q.all)
	clear(whole[n:]) // what moved to the front is still there
	q.whole, q.all = whole, whole[:n]
}

// next returns what is to be published now, or nil.
func (q *outboxQueue) next(now time.Time, window int) *outgoing {
	if q.failures > 0 {
		// A leader that is just elected may take a later one of many and not the first.
		window = 1
	}
	for q.sent < len(q.all) && q.sent < window && !now.Before(q.waitTill) {
		o := q.all[q.sent]
		if q.sent == 0 {
			q.moved = now
		}
		if !o.done {
			return o
		}
		q.sent++
	}
	return nil
}

// find returns the envelope of a sequence, if it is under way.
func (q *outboxQueue) find(sequence uint64) *outgoing {
	i := sequence - q.first
	if sequence < q.first || i >= uint64(len(q.all)) || q.all[i].done {
		return nil
	}
	return q.all[i]
}

// stored notes that an envelope is in the log.
func (q *outboxQueue) stored(o *outgoing, now time.Time) {
	q.moved, q.failures = now, 0
	q.finish(o)
}

// overtaken returns those of the same sender to the same address that were to be
// stored before o, and are not: stored now, they would come behind it.
func (q *outboxQueue) overtaken(o *outgoing) (all []*outgoing) {
	if o.member == nil { // notifications of many
		return nil
	}
	for _, e := range q.all[:o.sequence-q.first] {
		if !e.done && e.member == o.member && e.key == o.key && e.token == o.token {
			all = append(all, e)
		}
	}
	return all
}

// finish takes an envelope out, stored or given up.
func (q *outboxQueue) finish(o *outgoing) {
	o.done = true
	n := 0
	for n < len(q.all) && q.all[n].done {
		q.all[n] = nil
		n++
	}
	q.all = q.all[n:]
	q.first += uint64(n)
	q.sent = max(0, q.sent-n)
}

// back has everything from a sequence on published again, after a pause.
func (q *outboxQueue) back(sequence uint64, now time.Time) {
	i := 0
	if sequence > q.first {
		i = int(sequence - q.first)
	}
	q.sent = min(q.sent, i)
	if now.Before(q.waitTill) {
		return // the same trouble
	}
	q.waitTill = now.Add(min(outboxPause<<min(q.failures, 8), outboxPauseMax))
	q.failures++
}

// stuck tells whether nothing has moved for too long.
func (q *outboxQueue) stuck(now time.Time, patience time.Duration) bool {
	return q.sent > 0 && now.Sub(q.moved) > patience && now.Sub(q.waitTill) > patience
}
