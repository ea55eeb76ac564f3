package edge

import (
	"context"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/lime"
)

// workers do for sessions what may block: authentication, or registration. There are
// as many goroutines as there is work, up to a bound, and none when there has been none for a while: in a crowd each
// does the work of many sessions, with a stack that has grown once. What
// waits is bounded, too. An edge has workers for each scheme, so that guests do not
// wait behind passwords, and others for registration, so that who was authenticated
// does not wait behind who was not.
type workers struct {
	ctx   context.Context // of their work
	log   logrus.FieldLogger
	max   int
	queue chan func(*worker)

	failures failures

	mu      sync.Mutex
	running int
	idle    int // of these
	all     sync.WaitGroup
}

// idleFor is how long a worker waits for more work.
const idleFor = 500 * time.Millisecond

// worker is one goroutine of them.
type worker struct {
	ctx      context.Context
	log      logrus.FieldLogger
	failures *failures
	pause    *time.Timer
}

func newWorkers(ctx context.Context, log logrus.FieldLogger, atOnce, waiting int) *workers {
	return &workers{ctx: ctx, log: log, max: atOnce, queue: make(chan func(*worker), waiting)}
}

// do has work done soon. It does not block, and returns false when too much waits.
func (w *workers) do(work func(*worker)) bool {
	select {
	case w.queue <- work:
	default:
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enoughLocked()
	return true
}

// enoughLocked starts another worker when more waits than there are idle ones.
func (w *workers) enoughLocked() {
	if w.idle < len(w.queue) && w.running < w.max {
		w.running++
		w.all.Go(w.run)
	}
}

// run works until nothing has waited for a while.
func (w *workers) run() {
	me := &worker{ctx: w.ctx, log: w.log, failures: &w.failures, pause: time.NewTimer(idleFor)}
	defer me.pause.Stop()
	for w.work(me) {
	}
}

// work does what waits, and tells whether to go on when nothing does any more.
func (w *workers) work(me *worker) (on bool) {
	for {
		select {
		case work := <-w.queue:
			work(me)
			continue
		default:
		}
		break
	}
	w.mu.Lock()
	w.idle++
	w.mu.Unlock()
	me.pause.Reset(idleFor)
	select {
	case work := <-w.queue:
		w.mu.Lock()
		w.idle--
		w.enoughLocked() // for what has come when this one was idle still, which may take long
		w.mu.Unlock()
		work(me)
		return true
	case <-me.pause.C:
	case <-w.ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle--
	if len(w.queue) > 0 { // since a moment ago, and nobody else may be there for it
		return true
	}
	w.running--
	return false
}

// ours logs an error that is not for the client, and returns it.
func (w *worker) ours(err error) error {
	if err != nil && lime.AsReason(err) == nil {
		w.failures.log(w.log, err)
	}
	return err
}

// failuresPause is the least time between two lines about sessions that could not
// be established. In a storm without routers there are thousands a second.
const failuresPause = 5 * time.Second

// failures are errors that come in crowds: one of them is logged, the others counted.
type failures struct {
	mu      sync.Mutex
	logged  time.Time
	skipped int
}

func (f *failures) log(to logrus.FieldLogger, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.logged) < failuresPause {
		f.skipped++
		return
	}
	to.WithError(err).WithField("others", f.skipped).Warn("a session could not be established")
	f.logged, f.skipped = time.Now(), 0
}
