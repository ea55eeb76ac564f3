package routing

import (
	"sync"
	"time"
)

// removalQueue is what waits to be deleted from the inbox of one partition. It has
// workers of its own, and a room of its own, so that an inbox that does not answer
// holds up no other.
type removalQueue struct {
	// Set when it is made and not changed.
	partition int
	workers   int           // it is also its share
	most      int           // how many may wait
	wake      chan struct{} // a token for a worker that is to look

	mu        sync.Mutex
	pace      pace
	sequences []uint64 // in the inbox
	ended     bool     // nothing is deleted any more
}

// removal is one that a worker has taken.
type removal struct {
	sequence uint64
	trouble  uint32 // of the partition when it was taken
}

func newRemovalQueue(partition, of int) *removalQueue {
	workers := max(leastShare, removalWorkers/of)
	return &removalQueue{
		partition: partition, workers: workers, most: removalsMax / of, wake: make(chan struct{}, workers),
	}
}

// add has a message wait, unless there is no room for it.
func (q *removalQueue) add(sequence uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended || len(q.sequences) >= q.most {
		return false
	}
	q.sequences = append(q.sequences, sequence)
	q.signal()
	return true
}

// signal wakes a worker, unless all are awake.
func (q *removalQueue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take takes one. When there is another one, another worker is woken for it.
func (q *removalQueue) take(now time.Time) (one removal, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.readyLocked(now) {
		return removal{}, false
	}
	one = removal{sequence: q.sequences[0], trouble: q.pace.begin()}
	if q.sequences = q.sequences[1:]; len(q.sequences) == 0 {
		q.sequences = nil
	}
	if q.readyLocked(now) {
		q.signal()
	}
	return one, true
}

func (q *removalQueue) readyLocked(now time.Time) bool {
	return len(q.sequences) > 0 && q.pace.free(now, q.workers)
}

// done tells how one went. What was not deleted waits again, behind the others: there
// may be something about it alone.
func (q *removalQueue) done(one removal, err error, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pace.end()
	if err == nil {
		q.pace.answer()
		return // and its worker looks again
	}
	q.sequences = append(q.sequences, one.sequence) // at most workers more than fit
	q.pace.fail(one.trouble, now, q.signal)
}

// hurry has an inbox that does not answer tried at once: its pause may be all the time
// that is left.
func (q *removalQueue) hurry() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pace.until = time.Time{}
}

// empty tells whether nothing waits.
func (q *removalQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.sequences) == 0
}

// end takes no more, and returns how many were left.
func (q *removalQueue) end() (left int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	left = len(q.sequences)
	q.sequences, q.ended = nil, true
	return left
}
