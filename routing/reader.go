package routing

import (
	"context"
	"slices"
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/delivery"
	"limegrove/routing/subject"
)

// reader brings members that are behind what they have missed: those that begin, many
// at a time, and those that were slow, a page at a time.
type reader struct {
	hubs *Hubs

	mu       sync.Mutex
	starts   []*Member // to be looked at by begin
	queue    []*Member // to be read for
	starting chan struct{}
	reading  chan struct{}
}

const (
	// readWorkers is how many members are read for at once. Each holds a page.
	readWorkers = 32

	// readBytes bounds a page: about what the out queue of a session takes.
	readBytes = 64 << 10

	// startLot is how many members are looked at together when they begin.
	startLot = 500

	// readPause is how long a failure, or a server that is behind, is given.
	readPause = 200 * time.Millisecond
)

func newReader(h *Hubs) *reader {
	return &reader{hubs: h, starting: make(chan struct{}, 1), reading: make(chan struct{}, readWorkers)}
}

// start has m looked at: its new follows begin, and what it may have missed is found.
// The shard of m is locked.
func (r *reader) start(m *Member) {
	if m.takesOver != nil {
		r.hubs.handovers.add(m) // the one before has something to finish
		return
	}
	if m.startQueued {
		return
	}
	m.startQueued = true
	r.mu.Lock()
	r.starts = append(r.starts, m)
	r.mu.Unlock()
	select {
	case r.starting <- struct{}{}:
	default:
	}
}

// read has m read for. The shard of m is locked.
func (r *reader) read(m *Member) {
	if m.readQueued {
		m.readAgain = true
		return
	}
	m.readQueued = true
	r.put(m)
}

func (r *reader) put(m *Member) {
	r.mu.Lock()
	r.queue = append(r.queue, m)
	r.mu.Unlock()
	select {
	case r.reading <- struct{}{}:
	default: // all workers are awake
	}
}

// later is read, or start, after a pause.
func (r *reader) later(m *Member, again func(*Member)) {
	time.AfterFunc(readPause, func() {
		m.hub.shard.mu.Lock()
		defer m.hub.shard.mu.Unlock()
		if m.state != left {
			again(m)
		}
	})
}

// run works until ctx is done.
func (r *reader) run(ctx context.Context) {
	var all sync.WaitGroup
	for range readWorkers {
		all.Go(func() {
			t := turn{hubs: r.hubs}
			for {
				m := r.next()
				if m == nil {
					select {
					case <-ctx.Done():
						return
					case <-r.reading:
					}
					continue
				}
				r.work(ctx, &t, m)
				if ctx.Err() != nil {
					return
				}
			}
		})
	}
	all.Go(func() {
		for {
			lot := r.lot()
			if len(lot) > 0 {
				r.begin(ctx, lot)
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-r.starting:
			}
		}
	})
	all.Wait()
}

func (r *reader) next() *Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		r.queue = nil
		return nil
	}
	m := r.queue[0]
	r.queue[0] = nil
	r.queue = r.queue[1:]
	return m
}

func (r *reader) lot() []*Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.starts), startLot)
	lot := slices.Clone(r.starts[:n])
	r.starts = slices.Delete(r.starts, 0, n)
	if len(r.starts) == 0 {
		r.starts = nil
	}
	return lot
}

// work reads one page for each address that m follows.
func (r *reader) work(ctx context.Context, t *turn, m *Member) {
	s := m.hub.shard
	s.mu.Lock()
	m.readAgain = false
	s.mu.Unlock()
	on, retry := false, false
	for which := range m.follows {
		progress, err := r.page(ctx, t, m, which)
		on = on || progress == delivery.ReadOn
		retry = retry || err != nil || progress == delivery.Retry
		if err != nil && ctx.Err() == nil {
			r.hubs.complaints.warn("stored messages cannot be read; trying on", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case m.state == left:
		m.readQueued = false
	case on || m.readAgain:
		r.put(m)
	default:
		m.readQueued = false
		if retry {
			r.later(m, r.read)
		}
	}
}

// page reads one page and hands it out.
func (r *reader) page(ctx context.Context, t *turn, m *Member, which int) (delivery.Progress, error) {
	s := m.hub.shard
	f := &m.follows[which]
	s.mu.Lock()
	room := maxWindow - m.window.Len()
	if !f.Behind() || m.starting[which] || m.state != active || m.settled != nil || room == 0 {
		s.mu.Unlock()
		return delivery.CaughtUp, nil // or whatever ends the present state will read on
	}
	plan := f.Next()
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	r.hubs.metrics.pages.Inc()
	var log, inbox delivery.Page
	var err error
	if plan.Log {
		if log, err = logPage(ctx, r.hubs.cfg.Streams, m.partition, m.hub.key.Log(m.partition, m.tokenOf(which)), plan.LogFrom, room); err != nil {
			return delivery.CaughtUp, err
		}
	}
	if inbox, err = inboxPage(ctx, r.hubs.cfg.Streams, m.partition, m.hub.key.Inbox(m.partition, m.tokenOf(which)), plan.InboxFrom, room); err != nil {
		return delivery.CaughtUp, err
	}

	s.mu.Lock()
	if m.state != active || !f.Valid(plan) {
		s.mu.Unlock()
		return delivery.ReadOn, nil
	}
	out, had := f.Merge(plan, log, inbox)
	for _, msg := range had {
		t.had(m, which, msg)
	}
	progress := delivery.CaughtUp // what stopped it will read on
	handed := 0
	for _, msg := range out {
		if !t.handOut(m, which, msg) {
			break
		}
		handed++
	}
	if handed == len(out) {
		progress = f.Done(plan, log, inbox)
	}
	written := t.end()
	s.mu.Unlock()
	flushAll(written)
	return progress, nil
}

// tails is what is asked about the addresses of members in one partition.
type tails struct {
	members        []*Member
	which          []int
	logs, inboxes  []string
	log, inbox     map[string]uint64
	atLog, atInbox uint64
	err            error
}

// begin starts the follows of members, or checks those that are in doubt. Most of
// them have missed nothing, which one request for many of them tells.
func (r *reader) begin(ctx context.Context, lot []*Member) {
	floors := r.floors(ctx, lot)
	parts := map[int]*tails{}
	for i, m := range lot {
		s := m.hub.shard
		s.mu.Lock()
		m.startQueued = false
		for which := range m.follows {
			f := &m.follows[which]
			if m.state != active {
				continue
			}
			if m.starting[which] {
				m.starting[which] = false
				f.Start(r.floorOf(m, which, floors[i]))
			}
			if !f.Behind() {
				continue
			}
			p := parts[m.partition]
			if p == nil {
				p = &tails{}
				parts[m.partition] = p
			}
			p.members, p.which = append(p.members, m), append(p.which, which)
			p.logs = append(p.logs, m.hub.key.Log(m.partition, m.tokenOf(which)))
			p.inboxes = append(p.inboxes, m.hub.key.Inbox(m.partition, m.tokenOf(which)))
		}
		s.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	var all sync.WaitGroup
	for p, q := range parts {
		all.Go(func() {
			// The log first: see package delivery.
			if q.log, q.atLog, q.err = r.hubs.cfg.Streams.LastLog(ctx, p, q.logs); q.err == nil {
				q.inbox, q.atInbox, q.err = r.hubs.cfg.Streams.LastInbox(ctx, p, q.inboxes)
			}
		})
	}
	all.Wait()
	for _, q := range parts {
		if q.err != nil && ctx.Err() == nil {
			r.hubs.complaints.warn("stored messages cannot be looked for; trying on", q.err)
		}
		for i, m := range q.members {
			r.begun(m, q.which[i], q, i)
		}
	}
}

// begun takes what was found for one address of m.
func (r *reader) begun(m *Member, which int, q *tails, i int) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	switch {
	case m.state != active:
	case q.err != nil:
		r.later(m, r.start)
	case !m.follows[which].Tails(
		delivery.Tail{Last: q.log[q.logs[i]], Through: q.atLog},
		delivery.Tail{Last: q.inbox[q.inboxes[i]], Through: q.atInbox},
	):
		r.read(m)
	}
}

// floors reads the floors of members that begin. Without Redis there are none, and
// what was acknowledged a moment ago comes again.
func (r *reader) floors(ctx context.Context, lot []*Member) [][]presence.Floor {
	ids := make([]lime.Identity, len(lot))
	for i, m := range lot {
		ids[i] = m.node.Identity
	}
	none := make([][]presence.Floor, len(lot))
	if r.hubs.registrar.away.Load() {
		return none
	}
	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	all, err := r.hubs.cfg.Registry.Floors(ctx, ids)
	if err != nil || len(all) != len(lot) {
		r.hubs.complaints.warn("floors cannot be read; what was acknowledged may come again", err)
		return none
	}
	return all
}

// floorOf picks the floor of one address. What this edge has yet to bring to Redis
// counts, too: the session before may have ended a moment ago.
func (r *reader) floorOf(m *Member, which int, all []presence.Floor) (floor uint64) {
	log := r.hubs.cfg.Streams.LogName(m.partition)
	for _, f := range all {
		token := subject.Identity
		if f.Instance != "" {
			token = subject.Token(f.Instance)
		}
		if token == m.tokenOf(which) && f.Log == log {
			floor = max(floor, f.Position)
		}
	}
	return max(floor, r.hubs.floors.pending(m.hub.key, m.tokenOf(which), log))
}
