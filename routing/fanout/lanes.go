package fanout

import (
	"context"
	"sync"
	"time"

	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

const (
	// maxGroups is of how many groups it is known that something of them waits. While there
	// are as many, nothing more is read.
	maxGroups = 16_384

	// maxPatient is how many groups wait for logs that do not answer beside those that are
	// worked for. One more takes the place of one that is.
	maxPatient = 256
)

// lanes are the groups of a partition of which something waits. Some are worked for at once,
// for one message each; then it is the next group's turn. Whatever one group has waiting,
// and wherever it gets stuck, others are not held up by more than that.
type lanes struct {
	tenure *tenure
	done   chan uint64   // what is to be removed from the stream
	freed  chan struct{} // holds one, when there is room for another group again

	working  context.Context // of the tenure, for what its goroutines wait for
	removing sync.WaitGroup

	turns
	patient int // groups that wait for logs, and whose worker is replaced; guarded by mu
}

// waiting is a message and when it was read.
type waiting struct {
	stream.Message
	at time.Time

	failing func() // nil, or called once when the copies could not be stored at first
}

// removers is how many messages are removed at once.
const removers = 4

// begin begins to remove what is done, until finish or until working is done.
func (l *lanes) begin(working context.Context, t *tenure) {
	l.tenure, l.working = t, working
	l.done, l.freed = make(chan uint64, maxWaiting), make(chan struct{}, 1)
	l.turns.begin(t.cfg.AtOnce, l.serve)
	for range removers {
		l.removing.Go(l.remove)
	}
}

// finish waits until all groups have finished the messages that they are at, and these are
// removed. Nothing is added any more.
func (l *lanes) finish() {
	l.turns.finish()
	close(l.done)
	l.removing.Wait()
	all := l.waiting
	for _, g := range l.groups {
		all += g.passed
	}
	l.tenure.metrics.waiting.Sub(float64(all))
}

// add has a message fanned out behind those of its group. It waits only while too many
// groups are known already, and is false when ctx ends before there is room.
func (l *lanes) add(ctx context.Context, m stream.Message) bool {
	key, ok := subject.SplitGroup(m.Subject)
	if !ok {
		l.tenure.metrics.drop(dropMalformed)
		l.remember(m.Sequence)
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[key]
	for g == nil && len(l.groups) >= maxGroups {
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			l.mu.Lock()
			return false
		case <-l.freed:
		}
		l.mu.Lock()
	}
	l.tenure.metrics.waiting.Inc()
	idle := g == nil
	if idle {
		g = &lane{key: key}
		l.groups[key] = g
	}
	if g.from == 0 && !g.waits && l.hasRoomLocked(g, len(m.Data)) {
		l.pushLocked(g, waiting{Message: m, at: time.Now()})
	} else {
		g.pass(m.Sequence)
	}
	if idle {
		l.queueLocked(g)
	}
	return true
}

// serve has one message of a group fanned out. It is false when the worker was replaced
// meanwhile.
func (l *lanes) serve(g *lane) bool {
	patient := false
	w, ok := l.take(g)
	if ok {
		w.failing = func() { patient = l.replace(g) }
		if l.tenure.fanOut(l.working, g.key, w) {
			l.remember(w.Sequence)
		} else {
			l.stop()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if ok {
		l.doneLocked(w)
		l.tenure.metrics.waiting.Dec()
	}
	if patient {
		l.patient--
		g.waits = false
	}
	if len(g.queue) > 0 || g.from != 0 {
		l.queueLocked(g)
		return !patient
	}
	delete(l.groups, g.key)
	select {
	case l.freed <- struct{}{}:
	default:
	}
	return !patient
}

// stop ends the tenure, since a message could not be finished in it: the lease had run out.
// Even if it is renewed meanwhile nothing else may be begun, for what follows in the group
// would overtake that message.
func (l *lanes) stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.tenure.over(errLost)
}

// replace gives the place of a worker to another, since the group that it serves has to
// wait. What is queued for that one is left in the stream, and what comes meanwhile: others
// have use for the room. It is false when as many wait already.
func (l *lanes) replace(g *lane) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.patient >= maxPatient {
		return false
	}
	l.patient++
	l.workers--
	l.waiting -= len(g.queue)
	l.bytes -= g.bytes
	g.leave()
	g.waits = true
	l.staffLocked()
	return true
}

// remember has a message removed that is done.
func (l *lanes) remember(sequence uint64) {
	select {
	case l.done <- sequence:
	case <-l.working.Done(): // it is done again
	}
}

// remove removes from the stream what is done. What it cannot remove is done again by
// whoever has the partition next.
func (l *lanes) remove() {
	for sequence := range l.done {
		for l.working.Err() == nil {
			err := l.tenure.cfg.Streams.DeleteGroup(l.working, l.tenure.p, sequence)
			if err == nil {
				break
			}
			if l.working.Err() == nil {
				l.tenure.complain(err, "messages of groups that are fanned out cannot be removed; trying on")
			}
			pause(l.working, retryPause)
		}
	}
}

// pause waits for a while, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
