package client

import (
	"container/heap"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/protocol"
	"limegrove/loadtest/tally"
)

// Opening opens the clients of an engine, in their order, and again those that have failed. The
// engine's owner calls Start once, and Tick when Next says so.
type Opening struct {
	engine *Engine

	// Set by Start.
	start    time.Duration
	interval time.Duration // between two; 0 for as fast as atOnce allows
	atOnce   int

	// Sooner is called when something becomes due before all of which Next knew. Default: nobody.
	Sooner func(at time.Duration)

	next    int // the first that was never opened
	pending int // sockets that have no session yet
	later   retries

	// Ready is how many are in session by now, and Retries how often one was put off or cut
	// before. Failed are those that were given up, with why in First.
	Ready, Retries, Failed int
	First                  error
	// Delays are from when a client was due, or began where there is no rate, to its session, but for
	// those that Reopen was called for.
	Delays tally.Delays
	// Last is when the last one got its session.
	Last time.Duration
}

// Start opens all clients from now on: so many a second, 0 for as fast as can be, and at most
// atOnce at a time.
func (o *Opening) Start(t *poll.Turn, rate float64, atOnce int) {
	o.start, o.atOnce = o.engine.Now(), max(atOnce, 1)
	if rate > 0 {
		o.interval = time.Duration(float64(time.Second) / rate)
	}
	o.Tick(t)
}

// Done tells whether all have a session or were given up.
func (o *Opening) Done() bool {
	return o.next == len(o.engine.clients) && o.pending == 0 && len(o.later) == 0
}

// OpenEvery is the least time between two calls of Tick for what is due by the clock.
const OpenEvery = 2 * time.Millisecond

// Next is when Tick has something to open, if no session begins and no attempt fails before, which have
// it called as well. Many processes with little to do each would keep the processors busy by looking.
func (o *Opening) Next() time.Duration {
	now, never := o.engine.Now(), time.Duration(math.MaxInt64)
	switch {
	case o.pending >= o.atOnce:
		return never
	case o.next == len(o.engine.clients) && len(o.later) == 0:
		return never
	case o.next == len(o.engine.clients):
		return max(o.later[0].at, now+OpenEvery)
	}
	due := now // more than a call opens
	if o.interval > 0 {
		due = o.start + time.Duration(o.next)*o.interval
	}
	if len(o.later) > 0 {
		due = min(due, o.later[0].at)
	}
	return max(due, now+OpenEvery)
}

// dialsOfTick bounds what one call of Tick begins, so that the loop has time for others: each is some
// system calls. Every session that begins makes a call, so that it bounds no rate.
const dialsOfTick = 16

// Tick opens some of what is due.
func (o *Opening) Tick(t *poll.Turn) {
	now := o.engine.Now()
	dialled := 0
	for ; dialled < dialsOfTick && len(o.later) > 0 && o.later[0].at <= now && o.pending < o.atOnce; dialled++ {
		o.dial(t, heap.Pop(&o.later).(retry).client)
	}
	for ; dialled < dialsOfTick && o.atOnce > 0 && o.next < len(o.engine.clients) && o.pending < o.atOnce; dialled++ {
		due := now
		if o.interval > 0 {
			due = o.start + time.Duration(o.next)*o.interval
			if due > now {
				return
			}
		}
		c := &o.engine.clients[o.next]
		o.next++
		c.began = due
		o.dial(t, c)
	}
}

// Reopen opens a client again that is gone, after a pause of its own up to within.
func (o *Opening) Reopen(c *Client, within time.Duration) {
	c.flags |= again
	o.again(c, o.engine.Now()+rand.N(within+1))
}

// again notes that c is to be opened again.
func (o *Opening) again(c *Client, at time.Duration) {
	heap.Push(&o.later, retry{at: at, client: c})
	if o.later[0].client == c && o.Sooner != nil {
		o.Sooner(at)
	}
}

func (o *Opening) dial(t *poll.Turn, c *Client) {
	o.pending++
	i := c.Number()
	if err := o.engine.Dial(i, i, c.open); err != nil {
		o.failed(t, c, err)
	}
}

// ready is told that c is in session.
func (o *Opening) ready(t *poll.Turn, c *Client) {
	now := o.engine.Now()
	if c.flags&again == 0 {
		o.Delays.Note(now - c.began)
	}
	o.pending--
	o.Ready++
	o.Last = now
	c.tries = 0
	o.goOn(t)
}

// goOn opens what there is room for since an attempt is over, and has the owner call when there is more.
func (o *Opening) goOn(t *poll.Turn) {
	o.Tick(t)
	if o.Sooner != nil {
		o.Sooner(o.Next())
	}
}

// What a client waits before it tries again, the first time and at most.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 8 * time.Second
)

// failed is told that an attempt of c has failed.
func (o *Opening) failed(_ *poll.Turn, c *Client, err error) {
	o.pending--
	if errors.Is(err, poll.ErrClosed) { // the end of the engine
		return
	}
	c.tries++
	if !errors.Is(err, protocol.ErrBusy) && o.First == nil {
		o.First = err
	}
	if int(c.tries) >= o.engine.cfg.Attempts {
		o.Failed++
		if o.First == nil {
			o.First = err
		}
		return
	}
	o.Retries++
	pause := min(firstPause<<(c.tries-1), longestPause)
	o.again(c, o.engine.Now()+jitter(pause))
}

// retry is a client that is opened again at some time.
type retry struct {
	at     time.Duration
	client *Client
}

// retries is a heap of them, the next one first.
type retries []retry

// Len is that of heap.Interface.
func (r retries) Len() int { return len(r) }

// Less is that of heap.Interface.
func (r retries) Less(i, j int) bool { return r[i].at < r[j].at }

// Swap is that of heap.Interface.
func (r retries) Swap(i, j int) { r[i], r[j] = r[j], r[i] }

// Push is that of heap.Interface.
func (r *retries) Push(x any) { *r = append(*r, x.(retry)) }

// Pop is that of heap.Interface.
func (r *retries) Pop() any {
	last := len(*r) - 1
	x := (*r)[last]
	*r = (*r)[:last]
	return x
}
