package routing

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// waiting is a message and since when it waits.
type waiting struct {
	msg   *nats.Msg
	since time.Time
}

// queue holds the messages of one kind that wait for a router's workers. Those who have
// sent them have turns: whoever has a thousand waiting holds up nobody who has one. It is
// bounded, and so is each one's part of it.
type queue struct {
	most, share int
	who         func(*nats.Msg) string // nil: everybody is one

	// waits has a token for each message that waits, and is received from before next.
	waits chan struct{}

	mu    sync.Mutex
	size  int
	of    map[string][]waiting // by who; no part is empty
	turns []string             // those who have one, the next first
}

func newQueue(most, share int, who func(*nats.Msg) string) *queue {
	return &queue{most: most, share: share, who: who, waits: make(chan struct{}, most), of: map[string][]waiting{}}
}

// put queues a message, and tells whether there was room.
func (q *queue) put(msg *nats.Msg) bool {
	who := ""
	if q.who != nil {
		who = q.who(msg)
	}
	q.mu.Lock()
	part := q.of[who]
	if q.size >= q.most || len(part) >= q.share {
		q.mu.Unlock()
		return false
	}
	if len(part) == 0 {
		q.turns = append(q.turns, who)
	}
	q.of[who] = append(part, waiting{msg, time.Now()})
	q.size++
	q.mu.Unlock()
	q.waits <- struct{}{} // there are never more of them than messages
	return true
}

// next takes the oldest message of whose turn it is.
func (q *queue) next() waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	who := q.turns[0]
	q.turns = q.turns[1:]
	part := q.of[who]
	first := part[0]
	if len(part) > 1 {
		q.of[who] = part[1:]
		q.turns = append(q.turns, who)
	} else {
		delete(q.of, who)
	}
	q.size--
	return first
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.size
}
