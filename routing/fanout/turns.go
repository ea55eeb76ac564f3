package fanout

import (
	"sync"

	"limegrove/routing/subject"
)

// How much of one partition is kept that waits. What becomes of what does not fit is told
// where it is asked.
const (
	maxWaiting      = 1024
	maxWaitingBytes = 16 << 20

	// A group's own part of that, when all of it is free; less is less. Of stored messages it
	// is also how much is read when a group's turn comes and nothing of it is kept, whatever
	// others have.
	laneMessages = 64
	laneBytes    = 1 << 20
)

// turns are groups of which something waits. Some are served at once, each with one message;
// then it is the next group's turn.
type turns struct {
	most    int // are served at once
	serve   func(*lane) (goOn bool)
	running sync.WaitGroup

	mu      sync.Mutex
	stopped bool // nothing is begun any more
	groups  map[subject.Key]*lane
	next    []*lane // in order, without those that are served
	workers int
	waiting int // messages that are kept, with those that are served
	bytes   int
}

// begin is followed by finish. serve is called without the lock, has the lane queued again
// if something is left of it, and tells whether its worker goes on.
func (t *turns) begin(most int, serve func(*lane) (goOn bool)) {
	t.most, t.serve, t.groups = most, serve, map[subject.Key]*lane{}
}

// finish waits until all groups are served that were begun with.
func (t *turns) finish() {
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
	t.running.Wait()
}

// hasRoomLocked tells whether another message of a group may be kept. The fuller it is, the
// less each group may have; so there nearly always is room for the first one of a group.
func (t *turns) hasRoomLocked(g *lane, size int) bool {
	free := min(1-float64(t.waiting)/maxWaiting, 1-float64(t.bytes)/maxWaitingBytes)
	if free <= 0 || len(g.queue) == 0 {
		return free > 0
	}
	return float64(len(g.queue)) < laneMessages*free && float64(g.bytes+size) <= laneBytes*free
}

// pushLocked keeps a message of a group.
func (t *turns) pushLocked(g *lane, w waiting) {
	g.push(w)
	t.waiting++
	t.bytes += len(w.Data)
}

// doneLocked makes room for another message, when one was served.
func (t *turns) doneLocked(w waiting) {
	t.waiting--
	t.bytes -= len(w.Data)
}

// queueLocked has a group wait for its turn, and a worker for it if there may be another.
func (t *turns) queueLocked(g *lane) {
	t.next = append(t.next, g)
	t.staffLocked()
}

func (t *turns) staffLocked() {
	if len(t.next) > 0 && t.workers < t.most && !t.stopped {
		t.workers++
		t.running.Go(t.work)
	}
}

// work serves groups until none waits, or until another worker has taken its place.
func (t *turns) work() {
	for {
		t.mu.Lock()
		if len(t.next) == 0 || t.stopped {
			t.workers--
			t.mu.Unlock()
			return
		}
		g := t.next[0]
		t.next[0] = nil
		t.next = t.next[1:]
		t.mu.Unlock()
		if !t.serve(g) {
			return
		}
	}
}
