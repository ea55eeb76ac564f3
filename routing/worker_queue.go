package routing

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// waiting is a message, whose it is, and since when it waits.
type waiting struct {
	msg   *nats.Msg
	who   string
	since time.Time
}

// queue holds the messages of one kind that wait for a router's workers. Those who have
// sent them have turns: whoever has a thousand waiting holds up nobody who has one. It is
// bounded, and so is each one's part of it, and how many of one's are worked on at once:
// whoever asks for what takes long would have all workers otherwise.
type queue struct {
	most, share int
	each        int                    // of one are worked on at once; 0: any number
	who         func(*nats.Msg) string // nil: everybody is one

	// waits has a token for each message that waits and may be worked on, and is received
	// from before next.
	waits chan struct{}

	mu    sync.Mutex
	size  int
	of    map[string][]waiting // by who; no part is empty
	busy  map[string]int       // so many of one are worked on, where that is bounded
	turns []string             // those who have one, the next first
}

func newQueue(most, share, each int, who func(*nats.Msg) string) *queue {
	return &queue{
		most: most, share: share, each: each, who: who,
		waits: make(chan struct{}, most), of: map[string][]waiting{}, busy: map[string]int{},
	}
}

// put queues a message, and tells whether there was room.
func (q *queue) put(msg *nats.Msg) bool {
	who := ""
	if q.who != nil {
		who = q.who(msg)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	part := q.of[who]
	if q.size >= q.most || len(part) >= q.share {
		return false
	}
	before := q.turnsLocked(who)
	q.of[who] = append(part, waiting{msg, who, time.Now()})
	q.size++
	q.moreLocked(who, before)
	return true
}

// turnsLocked is how many messages of one may be worked on now.
func (q *queue) turnsLocked(who string) int {
	n := len(q.of[who])
	if q.each > 0 {
		n = min(n, q.each-q.busy[who])
	}
	return n
}

// moreLocked gives a worker the message that may be worked on now and might not before.
func (q *queue) moreLocked(who string, before int) {
	if q.turnsLocked(who) == before {
		return
	}
	if before == 0 {
		q.turns = append(q.turns, who)
	}
	q.waits <- struct{}{} // there are never more of them than messages
}

// next takes the oldest message of whose turn it is. Who has worked on it calls done.
func (q *queue) next() waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	who := q.turns[0]
	q.turns = q.turns[1:]
	part := q.of[who]
	first := part[0]
	if len(part) > 1 {
		q.of[who] = part[1:]
	} else {
		delete(q.of, who)
	}
	q.size--
	if q.each > 0 {
		q.busy[who]++
	}
	if q.turnsLocked(who) > 0 {
		q.turns = append(q.turns, who)
	}
	return first
}

// done tells that a message of next's was worked on.
func (q *queue) done(w waiting) {
	if q.each <= 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	before := q.turnsLocked(w.who)
	if q.busy[w.who]--; q.busy[w.who] == 0 {
		delete(q.busy, w.who)
	}
	q.moreLocked(w.who, before)
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.size
}
