package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"limegrove/e2e/fault/history"
)

// Edge is where clients can log in.
type Edge struct {
	Name string
	URL  string // for WebSocket
	TCP  string // for TCP, as net.tcp://127.0.0.1:55321; none when it is empty
}

// Config is what a workload is made of.
type Config struct {
	Edges      []Edge
	Domain     string
	Seed       uint64
	Identities int     // one in five has three nodes
	Groups     int     // of eight identities each
	Rate       float64 // messages a second, of all together while all are there
	// Window is the time within which the cluster recognises a message that is sent
	// again. Clients send nothing again that is nearly as old.
	Window   time.Duration
	Recorder *history.Recorder
}

// Workload is the clients of a run.
type Workload struct {
	cfg      Config
	clients  []*client
	groups   []circle
	gap      time.Duration // between two messages of one sender, on average
	settling chan struct{} // closed when all is to become quiet
	quiet    sync.Once

	mu       sync.Mutex
	sessions int              // that are there and available
	pending  int              // messages that are not answered for good
	known    map[string]sight // what was seen of each message
	missing  int              // messages that were accepted and not delivered
	changed  time.Time        // when something last happened
}

// New makes a workload. Nothing happens before SignUp, Gather and Run.
func New(cfg Config) *Workload {
	w := &Workload{cfg: cfg, settling: make(chan struct{}), known: map[string]sight{}}
	senders := 0
	cast := draw(cfg.Seed, cfg.Identities, cfg.Domain)
	w.groups = drawGroups(cfg.Seed, cfg.Groups, cast, cfg.Domain)
	for i, r := range cast {
		if r.sends {
			senders++
		}
		w.clients = append(w.clients, newClient(w, r, rand.New(rand.NewPCG(cfg.Seed, uint64(100+i)))))
	}
	w.gap = time.Duration(float64(senders) / cfg.Rate * float64(time.Second))
	return w
}

// Run has everybody live until ctx is done.
func (w *Workload) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, c := range w.clients {
		all.Go(func() { c.live(ctx) })
	}
	all.Wait()
}

// Clients is how many there are.
func (w *Workload) Clients() int { return len(w.clients) }

// Present waits until at least a share of all clients is there.
func (w *Workload) Present(ctx context.Context, share float64) error {
	for {
		w.mu.Lock()
		there := w.sessions
		w.mu.Unlock()
		if float64(there) >= share*float64(len(w.clients)) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%d of %d clients are there: %w", there, len(w.clients), err)
		}
		pause(ctx, tick)
	}
}

// Settle ends what is new, brings everybody back and waits until nothing is missing and
// nothing has come for a while, or until ctx is done: what is missing then is an error,
// but it is the checker that judges.
func (w *Workload) Settle(ctx context.Context) error {
	const calm = 3 * time.Second // in which a copy too many would come
	w.quiet.Do(func() {
		w.cfg.Recorder.Record(history.Event{Kind: history.Quiet})
		close(w.settling)
	})
	for {
		w.mu.Lock()
		sessions, pending, missing, since := w.sessions, w.pending, w.missing, time.Since(w.changed)
		w.mu.Unlock()
		if sessions >= len(w.clients) && pending == 0 && missing == 0 && since > calm {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%d of %d clients are there, %d messages are not answered, %d accepted are not delivered: %w",
				sessions, len(w.clients), pending, missing, err)
		}
		pause(ctx, tick)
	}
}

// sight is what was seen of a message.
type sight uint8

const (
	accepted sight = 1 << iota
	delivered
)

// seen remembers what was seen of a message, or of a member's copy of one.
func (w *Workload) seen(id string, what sight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed = time.Now()
	before := w.known[id]
	after := before | what
	w.known[id] = after
	switch {
	case before == after:
	case after == accepted:
		w.missing++
	case before == accepted:
		w.missing--
	}
}

func (w *Workload) count(sessions, pending int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions += sessions
	w.pending += pending
}

func (w *Workload) record(e history.Event) { w.cfg.Recorder.Record(e) }
