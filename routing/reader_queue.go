package routing

import (
	"slices"
	"sync"
	"time"
)

// readerQueues are what a reader has to do, by partition, and say what is done next.
// The partitions take turns, each at its own pace.
//
// A member is in a queue at most once, which bounds them.
type readerQueues struct {
	share int           // how many workers may be busy with one partition
	wake  chan struct{} // a token for a worker that is to look

	mu   sync.Mutex
	all  []readerQueue // by partition
	turn int           // whose it is
}

// readerQueue is one partition's.
type readerQueue struct {
	starts   []*Member // to be looked at, many together
	starting bool      // some of them are being looked at: the others gather
	reads    []*Member // to be read for
	pace     pace
}

func newReaderQueues(partitions int) *readerQueues {
	return &readerQueues{
		share: max(leastShare, readWorkers/partitions),
		wake:  make(chan struct{}, readWorkers), all: make([]readerQueue, partitions),
	}
}

// readerJob is what a worker does next, and how that went.
type readerJob struct {
	// Set when it is taken.
	partition int
	lot       []*Member // that begin, or nil
	member    *Member   // or one to be read for, or nil, too
	trouble   uint32    // of the partition

	// Set by its worker.
	asked bool  // the partition was asked for something
	err   error // why it did not answer
}

// start has m looked at.
func (q *readerQueues) start(m *Member) {
	q.mu.Lock()
	p := &q.all[m.partition()]
	p.starts = append(p.starts, m)
	q.mu.Unlock()
	q.signal()
}

// read has m read for.
func (q *readerQueues) read(m *Member) {
	q.mu.Lock()
	p := &q.all[m.partition()]
	p.reads = append(p.reads, m)
	q.mu.Unlock()
	q.signal()
}

// signal wakes a worker, unless all are awake.
func (q *readerQueues) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next takes a job. When there is another one, another worker is woken for it.
func (q *readerQueues) next(now time.Time) (j readerJob, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for range q.all {
		p := &q.all[q.turn]
		if !ok && p.ready(now, q.share) {
			j, ok = p.take(), true
			j.partition = q.turn
		}
		q.turn = (q.turn + 1) % len(q.all)
		if ok {
			break
		}
	}
	if ok && slices.ContainsFunc(q.all, func(p readerQueue) bool { return p.ready(now, q.share) }) {
		q.signal()
	}
	return j, ok
}

// ready tells whether a job may be taken.
func (p *readerQueue) ready(now time.Time, share int) bool {
	return p.pace.free(now, share) && (p.deserted() || len(p.reads) > 0 || len(p.starts) > 0 && !p.starting)
}

// deserted tells whether a partition is silent and nobody is left who would try it.
func (p *readerQueue) deserted() bool {
	return p.pace.idle() && len(p.reads) == 0 && len(p.starts) == 0
}

// take takes one: those that begin come first, since one request is for many of them.
// Of a deserted partition it is for nobody, and done ends the pause.
func (p *readerQueue) take() (j readerJob) {
	deserted := p.deserted()
	j.trouble = p.pace.begin()
	if deserted {
		return j
	}
	if len(p.starts) > 0 && !p.starting {
		p.starting = true
		n := min(len(p.starts), startLot)
		j.lot = slices.Clone(p.starts[:n])
		if p.starts = slices.Delete(p.starts, 0, n); len(p.starts) == 0 {
			p.starts = nil
		}
		return j
	}
	j.member = p.reads[0]
	p.reads[0] = nil
	if p.reads = p.reads[1:]; len(p.reads) == 0 {
		p.reads = nil
	}
	return j
}

// readerChange is what a job changes for its partition.
type readerChange uint8

const (
	noChange   readerChange = iota
	fellSilent              // it does not answer any more
	answers                 // it does again
	leftAlone               // nobody waits for it any more, and whether it answers is not known
)

// done tells how a job went, and returns what that changes.
func (q *readerQueues) done(j *readerJob, now time.Time) (change readerChange) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := &q.all[j.partition]
	p.pace.end()
	if j.lot != nil {
		p.starting = false
	}
	switch {
	case j.err != nil:
		if p.pace.fail(j.trouble, now, q.signal) {
			change = fellSilent
		}
	case j.asked:
		if p.pace.answer() {
			change = answers
		}
	case p.deserted():
		p.pace.answer() // or not: the next one will see
		change = leftAlone
	}
	if p.ready(now, q.share) {
		q.signal()
	}
	return change
}
