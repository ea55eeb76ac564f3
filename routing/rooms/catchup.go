package rooms

import (
	"context"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	// pageMessages and pageBytes bound what is read at once for the seats of a room.
	pageMessages = 256
	pageBytes    = 256 << 10

	// catchersAtOnce is for how many rooms of a partition is read at once.
	catchersAtOnce = 4

	// catchPause is how long a room waits when its stream does not answer, or a replica is
	// behind. It doubles up to catchPauseMax.
	catchPause    = 20 * time.Millisecond
	catchPauseMax = 2 * time.Second
)

// catchUp reads for seats that are behind, for all of a room together, and for the rooms of
// one partition in turn, so that one that does not answer holds up no other. There are
// goroutines for it while there is something to read.
type catchUp struct {
	ctx     context.Context // of the reading
	stop    context.CancelFunc
	trouble trouble

	mu      sync.Mutex
	queue   []*hall // each once: while one is in it or read for, its keeping is catching
	running int
	ended   bool
	all     sync.WaitGroup
}

func newCatchUp(log logrus.FieldLogger, p int) *catchUp {
	ctx, stop := context.WithCancel(context.Background())
	return &catchUp{ctx: ctx, stop: stop, trouble: trouble{
		log: log.WithField("partition", p), begins: "what rooms keep cannot be read; trying on", ends: "what rooms keep can be read again",
	}}
}

func (c *catchUp) add(h *hall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.queue = append(c.queue, h)
	if c.running < catchersAtOnce {
		c.running++
		c.all.Go(c.run)
	}
}

// end lets nothing begin any more, and returns when nothing is read.
func (c *catchUp) end() {
	c.mu.Lock()
	c.ended, c.queue = true, nil
	c.mu.Unlock()
	c.stop()
	c.all.Wait()
}

func (c *catchUp) run() {
	for h := c.next(nil); h != nil; {
		if !h.catch(c) {
			h = nil
		}
		h = c.next(h)
	}
}

// next returns the next room, behind all of which goes the one that is not done. It is nil
// when there is none, which ends the goroutine.
func (c *catchUp) next(again *hall) (h *hall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if again != nil && !c.ended {
		c.queue = append(c.queue, again)
	}
	if len(c.queue) == 0 {
		c.running--
		return nil
	}
	h = c.queue[0]
	if c.queue = c.queue[1:]; len(c.queue) == 0 {
		c.queue = nil
	}
	return h
}
