package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/loadtest/tally"
)

// mediaBench is the type of what a bench sends.
const mediaBench = "application/vnd.limegrove.bench+json"

// letter is a message of a bench.
type letter struct {
	Run    string        `json:"r"`
	Number uint32        `json:"n"`
	At     time.Duration `json:"t"` // since the bench began: when it was to be sent
	Pad    string        `json:"p,omitempty"`
}

// leastBenchSize has room for a letter without padding.
const leastBenchSize = 96

// bench is one under way.
type bench struct {
	course
	app     *app
	name    string // of this run: what comes of another counts nowhere
	servers []string
	timeout time.Duration
	began   time.Time       // what times are counted from
	start   time.Duration   // of sending
	took    time.Duration   // by that
	alive   context.Context // ends when nothing is waited for any more
	pairs   []*pair
}

// pair is a sender and a recipient.
type pair struct {
	*bench
	from, to *client.Client

	sent    atomic.Uint32 // also what the recipient may have got
	refused atomic.Uint32
	asking  atomic.Int32 // publications that have no answer
	got     chan uint32  // the number of what has come, in a closed loop

	// Guarded by mu.
	mu       sync.Mutex
	stream   tally.Stream
	missing  tally.Missing
	received uint32
	twice    uint32
	late     uint32
	arrived  tally.Delays
	accepted tally.Delays
	why      error // the first refusal, or loss
}

// openBench opens the sessions. What it returns is to be closed, with an error, too.
func (a *app) openBench(ctx context.Context, c course, p profile, servers []string) (*bench, error) {
	b := &bench{course: c, app: a, name: strings.ToLower(rand.Text()[:8]), servers: servers, timeout: a.timeout, began: time.Now()}
	for range c.pairs {
		b.pairs = append(b.pairs, &pair{bench: b, got: make(chan uint32, 1), missing: tally.Missing{}})
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout+time.Duration(c.pairs)*50*time.Millisecond)
	defer cancel()
	var all errgroup.Group
	all.SetLimit(16)
	for i, one := range b.pairs {
		all.Go(func() error { return one.open(ctx, p, i) })
	}
	return b, all.Wait()
}

func (o *pair) open(ctx context.Context, p profile, i int) (err error) {
	cfg, err := benchConfig(&p, fmt.Sprintf("bench-%s-%d-to", o.name, i))
	if err != nil {
		return err
	}
	cfg.Handler = &client.Mux{}
	cfg.Handler.HandleMessage("", o.hear)
	cfg.Receipts = client.ReceiptsOff     // a pong tells the server as much
	cfg.DuplicateWindow = time.Nanosecond // what comes twice is to be seen
	cfg.ConnectTimeout = o.timeout        // of each
	at := o.servers[(i+1)%len(o.servers)] // another than the sender's, where there are several
	if o.to, err = client.Dial(ctx, at, cfg); err != nil {
		return o.app.explain(ctx, at, loginError("log in", at, err))
	}
	if cfg, err = benchConfig(&p, fmt.Sprintf("bench-%s-%d-from", o.name, i)); err != nil {
		return err
	}
	cfg.ConnectTimeout, cfg.Events = o.timeout, lime.EventsOf(lime.EventAccepted)
	cfg.Handler = &client.Mux{}
	cfg.Handler.HandleNotification(func(_ context.Context, _ *client.Client, n *lime.Notification) {
		if n.Event == lime.EventFailed {
			o.fails(n.Reason)
		}
	})
	at = o.servers[i%len(o.servers)]
	if o.from, err = client.Dial(ctx, at, cfg); err != nil {
		return o.app.explain(ctx, at, loginError("log in", at, err))
	}
	return nil
}

// fails notes that a message was refused, for a reason that may be nil.
func (o *pair) fails(why error) {
	o.refused.Add(1)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == nil {
		o.why = why
	}
}

// hear notes a message.
func (o *pair) hear(_ context.Context, _ *client.Client, m *lime.Message) error {
	now := time.Since(o.began)
	var l letter
	if m.Type != mediaBench || json.Unmarshal(m.Content, &l) != nil || l.Run != o.name {
		return nil // somebody else's
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch o.stream.Take(o.missing, 0, l.Number, o.sent.Load()) {
	case tally.InOrder:
		o.received++
	case tally.Reordered:
		o.received++
		o.late++
	case tally.Twice:
		o.twice++
	case tally.Unknown: // of another run with the same name
		return nil
	}
	o.arrived.Note(now - l.At)
	if o.rate == 0 {
		select {
		case o.got <- l.Number:
		default: // it was waited for too long
		}
	}
	return nil
}

// outstanding tells whether something is still to come.
func (o *pair) outstanding() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.received+o.refused.Load() < o.sent.Load() || o.asking.Load() > 0
}

// run has all pairs send until it is time or ctx is done, and waits for what is under way.
func (b *bench) run(ctx context.Context, shown func(part float64)) {
	sending, cancel := context.WithTimeout(ctx, b.during)
	defer cancel()
	alive, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	defer context.AfterFunc(sending, func() { time.AfterFunc(b.patience(ctx), kill) })()
	b.alive, b.start = alive, time.Since(b.began)
	var all sync.WaitGroup
	for i, one := range b.pairs {
		all.Go(func() {
			if b.rate > 0 {
				one.sendOpen(sending, i)
			} else {
				one.sendClosed(sending)
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-tick.C:
			shown(min(1, (time.Since(b.began)-b.start).Seconds()/b.during.Seconds()))
		case <-ended:
			running = false
		}
	}
	shown(1)
	b.took = time.Since(b.began) - b.start
	for b.outstanding() {
		select {
		case <-tick.C:
		case <-alive.Done():
			return
		}
	}
}

// patience is how long what is under way is waited for when no more is sent: after an interruption not for long.
func (b *bench) patience(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return min(b.timeout, time.Second)
	}
	return b.timeout
}

func (b *bench) outstanding() bool {
	for _, one := range b.pairs {
		if one.outstanding() && one.to.Err() == nil {
			return true
		}
	}
	return false
}

// sendOpen sends at times that were set when it began.
func (o *pair) sendOpen(ctx context.Context, i int) {
	every := time.Duration(float64(time.Second) * float64(len(o.pairs)) / o.rate)
	next := o.start + every*time.Duration(i)/time.Duration(len(o.pairs)) // pairs take turns
	timer := time.NewTimer(next - o.start)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for now := time.Since(o.began); next <= now; next += every {
			if next >= o.start+o.during || !o.send(ctx, next) {
				return
			}
		}
		timer.Reset(next - time.Since(o.began))
	}
}

// sendClosed sends the next when one has come, or does not.
func (o *pair) sendClosed(ctx context.Context) {
	late := time.NewTimer(o.timeout)
	defer late.Stop()
	// Not faster than edges allow, and never so fast that the client itself holds it back, which would count as a delay.
	pace := time.NewTicker(time.Second / maxPairRate)
	defer pace.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		number := o.sent.Load()
		if !o.send(ctx, time.Since(o.began)) {
			return
		}
		late.Reset(o.timeout)
		for arrived := false; !arrived; {
			select {
			case got := <-o.got:
				arrived = got == number
			case <-late.C:
				arrived = true // it counts as lost, unless it comes later
			case <-ctx.Done():
				return
			case <-o.to.Done():
				return
			}
		}
	}
}

// send sends one message that was to be sent at a time, and tells whether there can be more.
func (o *pair) send(ctx context.Context, at time.Duration) bool {
	number := o.sent.Load()
	m := &lime.Message{To: o.to.Node(), Type: mediaBench, Content: o.content(number, at)}
	o.sent.Add(1) // before it may be there
	var err error
	if !o.stored {
		err = o.from.Send(ctx, m)
	} else {
		m.ID = fmt.Sprintf("%s-%d", o.name, number)
		var p *client.Publication
		if p, err = o.from.PublishAsync(o.alive, m); err == nil {
			o.asking.Add(1)
			go o.accepts(p, at)
		}
	}
	if err == nil {
		return true
	}
	o.sent.Add(^uint32(0)) // it was not
	if ctx.Err() == nil {
		o.loses(err)
	}
	return false
}

// accepts notes what becomes of a publication.
func (o *pair) accepts(p *client.Publication, at time.Duration) {
	defer o.asking.Add(-1)
	switch err := p.Wait(o.alive); {
	case err == nil:
		o.mu.Lock()
		o.accepted.Note(time.Since(o.began) - at)
		o.mu.Unlock()
	case errors.As(err, new(*lime.Reason)): // its notification counts it
	default:
		o.loses(err)
	}
}

func (o *pair) loses(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == nil && !errors.Is(err, context.Canceled) {
		o.why = err
	}
}

// content is that of a message, as long as the course says.
func (o *pair) content(number uint32, at time.Duration) json.RawMessage {
	l := letter{Run: o.name, Number: number, At: at}
	b, _ := json.Marshal(l) // texts and numbers
	if more := o.size - len(b) - len(`,"p":""`); more > 0 {
		l.Pad = strings.Repeat("x", more)
		b, _ = json.Marshal(l)
	}
	return b
}

func (b *bench) close() {
	var all sync.WaitGroup
	for _, one := range b.pairs {
		for _, c := range []*client.Client{one.from, one.to} {
			if c == nil {
				continue
			}
			all.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				defer cancel()
				_ = c.Shutdown(ctx) // what was to be measured is
			})
		}
	}
	all.Wait()
}
