package fanout

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// How much of one partition is read and not yet fanned out.
const (
	maxWaiting      = 1024
	maxWaitingBytes = 16 << 20
)

// lanes are the groups of a partition that something waits for: each is worked for by
// itself, in order, some of them at once.
type lanes struct {
	tenure *tenure
	turns  chan struct{} // holds one for each group that is worked for
	done   chan uint64   // what is to be removed from the stream
	freed  chan struct{} // holds one, when there is room again

	working  context.Context // of the tenure, for what its goroutines wait for
	stopped  atomic.Bool     // nothing is begun any more
	running  sync.WaitGroup
	removing sync.WaitGroup

	mu      sync.Mutex
	queues  map[subject.Key][]waiting // of the groups that are worked for
	waiting int
	bytes   int
}

// waiting is a message and when it was read.
type waiting struct {
	stream.Message
	at time.Time
}

// removers is how many messages are removed at once.
const removers = 4

// begin begins to remove what is done, until finish or until working is done.
func (l *lanes) begin(working context.Context, t *tenure) {
	l.tenure, l.working = t, working
	l.turns, l.done, l.freed = make(chan struct{}, t.cfg.AtOnce), make(chan uint64, maxWaiting), make(chan struct{}, 1)
	l.queues = map[subject.Key][]waiting{}
	for range removers {
		l.removing.Go(l.remove)
	}
}

// finish waits until all groups have finished the messages that they are at, and these are
// removed.
func (l *lanes) finish() {
	l.stopped.Store(true)
	l.running.Wait()
	close(l.done)
	l.removing.Wait()
	l.tenure.metrics.waiting.Sub(float64(l.waiting))
}

// add has a message fanned out behind those of its group, and waits for room. It is false
// when ctx ends before there is some.
func (l *lanes) add(ctx context.Context, m stream.Message) bool {
	key, ok := subject.SplitGroup(m.Subject)
	l.mu.Lock()
	for l.waiting >= maxWaiting || l.bytes >= maxWaitingBytes {
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return false
		case <-l.freed:
		}
		l.mu.Lock()
	}
	defer l.mu.Unlock()
	l.waiting++
	l.bytes += len(m.Data)
	l.tenure.metrics.waiting.Inc()
	if !ok {
		l.tenure.metrics.drop(dropMalformed)
		key = "" // which is no group's, and done as soon as it is begun
	}
	queue, busy := l.queues[key]
	l.queues[key] = append(queue, waiting{m, time.Now()})
	if !busy {
		l.running.Go(func() { l.run(key) })
	}
	return true
}

// run works for one group until nothing waits for it.
func (l *lanes) run(key subject.Key) {
	for {
		l.mu.Lock()
		queue := l.queues[key]
		if len(queue) == 0 || l.stopped.Load() {
			delete(l.queues, key)
			l.mu.Unlock()
			return
		}
		m := queue[0]
		queue[0] = waiting{}
		l.queues[key] = queue[1:]
		l.mu.Unlock()
		l.turns <- struct{}{}
		finished := l.tenure.fanOut(l.working, key, m)
		<-l.turns
		if finished {
			select {
			case l.done <- m.Sequence:
			case <-l.working.Done(): // it is done again
			}
		}
		l.free(m.Message)
	}
}

// free makes room for another message.
func (l *lanes) free(m stream.Message) {
	l.mu.Lock()
	l.waiting--
	l.bytes -= len(m.Data)
	l.mu.Unlock()
	l.tenure.metrics.waiting.Dec()
	select {
	case l.freed <- struct{}{}:
	default:
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
