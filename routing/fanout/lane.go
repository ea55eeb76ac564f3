package fanout

import (
	"context"
	"time"

	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// lane is what is known of one group: what was read of it, and from where on it was passed
// over, which means left in the stream. What was read comes before what was passed over.
// Guarded by turns.mu; only whoever serves the lane takes from it.
type lane struct {
	key   subject.Key
	queue []waiting
	bytes int

	from, to uint64 // the first and the last sequence that were passed over; from is 0 for none
	passed   int    // how many

	// waits is set while a message of the group waits for a log: what comes then is passed over.
	waits bool
}

// pass leaves a message in the stream, and all that follow until these are read.
func (g *lane) pass(sequence uint64) {
	if g.from == 0 {
		g.from = sequence
	}
	g.to = sequence
	g.passed++
}

// push queues a message.
func (g *lane) push(w waiting) {
	g.queue = append(g.queue, w)
	g.bytes += len(w.Data)
}

// pop takes the first one.
func (g *lane) pop() waiting {
	w := g.queue[0]
	g.queue[0] = waiting{}
	g.queue = g.queue[1:]
	g.bytes -= len(w.Data)
	return w
}

// leave passes over what is queued.
func (g *lane) leave() {
	if len(g.queue) == 0 {
		return
	}
	if g.from == 0 {
		g.to = g.queue[len(g.queue)-1].Sequence
	}
	g.from = g.queue[0].Sequence
	g.passed += len(g.queue)
	g.queue, g.bytes = nil, 0
}

// fill queues what was read from g.from on, as far as it was passed over: what is behind
// that comes by the walk. It returns how many these are, and how many of those that were
// passed over are gone without having been read.
func (g *lane) fill(page stream.Page, now waiting) (read, gone int) {
	for _, m := range page.Messages {
		if m.Sequence > g.to {
			break
		}
		now.Message = m
		g.push(now)
		read++
	}
	g.passed -= read
	switch {
	case page.Through >= g.to:
		gone = g.passed
		g.from, g.to, g.passed = 0, 0, 0
	case page.Through >= g.from:
		g.from = page.Through + 1
	}
	return read, gone
}

// take returns the next message of a lane, which is read when nothing is queued. It is not
// ok when there is none, or none could be read for now.
func (l *lanes) take(g *lane) (w waiting, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(g.queue) == 0 && g.from != 0 {
		from := g.from
		l.mu.Unlock()
		now := waiting{at: time.Now()}
		page, err := l.read(g.key, from)
		if err == nil && page.Through < from { // the replica lacks what another has shown
			pause(l.working, behindPause)
		}
		l.mu.Lock()
		if err == nil {
			read, gone := g.fill(page, now)
			l.waiting += read
			l.bytes += g.bytes
			l.tenure.metrics.waiting.Sub(float64(gone))
		}
	}
	if len(g.queue) == 0 {
		return w, false
	}
	return g.pop(), true
}

// read reads what the stream has of a group from a sequence on.
func (l *lanes) read(key subject.Key, from uint64) (stream.Page, error) {
	t := l.tenure
	ctx, cancel := context.WithTimeout(l.working, t.cfg.Timeout)
	defer cancel()
	page, err := t.cfg.Streams.ReadGroup(ctx, t.p, key.Group(t.p), from, laneMessages, laneBytes)
	if err != nil && l.working.Err() == nil {
		t.complain(err, "the messages of a group cannot be read; trying on")
		pause(l.working, retryPause)
	}
	return page, err
}
