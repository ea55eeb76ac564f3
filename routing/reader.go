package routing

import (
	"context"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/routing/delivery"
)

// reader brings members that are behind what they have missed: those that begin, many
// at a time, and those that were slow, a page at a time.
type reader struct {
	hubs   *Hubs
	queues *readerQueues
}

const (
	// readWorkers is how many requests for pages, or for those who begin, are under way
	// at once.
	readWorkers = 32

	// readBytes bounds a page: about what the out queue of a session takes.
	readBytes = 64 << 10

	// startLot is how many members of a partition are looked at together when they begin.
	startLot = 500

	// readPause is how long a server that is behind is given.
	readPause = 200 * time.Millisecond
)

func newReader(h *Hubs) *reader {
	return &reader{hubs: h, queues: newReaderQueues(h.cfg.Streams.Partitions())}
}

// start has m looked at: its new follows begin, and what it may have missed is found.
// The shard of m is locked.
func (r *reader) start(m *Member) {
	if m.takesOverLocked() != nil {
		r.hubs.handovers.add(m) // the one before has something to finish
		return
	}
	if m.startQueued {
		return
	}
	m.startQueued = true
	r.queues.start(m)
}

// read has m read for. The shard of m is locked.
func (r *reader) read(m *Member) {
	if m.readQueued {
		m.readAgain = true
		return
	}
	m.readQueued = true
	r.queues.read(m)
}

// waiting is how many members wait to be looked at or read for.
func (r *reader) waiting() (n int) {
	r.queues.mu.Lock()
	defer r.queues.mu.Unlock()
	for i := range r.queues.all {
		n += len(r.queues.all[i].starts) + len(r.queues.all[i].reads)
	}
	return n
}

// later is read after a pause.
func (r *reader) later(m *Member) {
	time.AfterFunc(readPause, func() {
		m.hub.shard.mu.Lock()
		defer m.hub.shard.mu.Unlock()
		if m.state != left {
			r.read(m)
		}
	})
}

// run works until ctx is done.
func (r *reader) run(ctx context.Context) {
	var all sync.WaitGroup
	for range readWorkers {
		all.Go(func() {
			t := turn{hubs: r.hubs}
			for ctx.Err() == nil {
				if j, ok := r.queues.next(time.Now()); ok {
					r.do(ctx, &t, &j)
					continue
				}
				select {
				case <-ctx.Done():
				case <-r.queues.wake:
				}
			}
		})
	}
	all.Wait()
}

// do does one job.
func (r *reader) do(ctx context.Context, t *turn, j *readerJob) {
	switch {
	case j.lot != nil:
		r.begin(ctx, j)
	case j.member != nil:
		r.work(ctx, t, j)
	}
	if ctx.Err() != nil {
		return // whatever has failed, it ends
	}
	switch r.queues.done(j, time.Now()) {
	case noChange:
	case fellSilent:
		r.hubs.metrics.silent(j.partition).Set(1)
		r.hubs.complaints.Tell(logrus.WarnLevel, "stored messages of a partition cannot be read; its sessions wait", j.err, logrus.Fields{"partition": j.partition})
	case answers:
		r.hubs.metrics.silent(j.partition).Set(0)
		r.hubs.log.WithField("partition", j.partition).Info("stored messages of a partition can be read again")
	case leftAlone:
		r.hubs.metrics.silent(j.partition).Set(0)
		r.hubs.log.WithField("partition", j.partition).Info("no session waits for the stored messages of a partition any more")
	}
}

// work reads one page for each address that a member follows.
func (r *reader) work(ctx context.Context, t *turn, j *readerJob) {
	m := j.member
	s := m.hub.shard
	s.mu.Lock()
	m.readAgain = false
	s.mu.Unlock()
	on, retry := false, false
	for which := range m.follows {
		progress := r.page(ctx, t, j, which)
		if j.err != nil {
			break // the other address is of the same partition
		}
		on = on || progress == delivery.ReadOn
		retry = retry || progress == delivery.Retry
	}
	if j.err == nil {
		on = r.review(ctx, t, j) || on
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case m.state == left:
		m.readQueued = false
	case on || m.readAgain || j.err != nil:
		r.queues.read(m)
	default:
		m.readQueued = false
		if retry {
			r.later(m)
		}
	}
}

// page reads one page and hands it out.
func (r *reader) page(ctx context.Context, t *turn, j *readerJob, which int) delivery.Progress {
	m := j.member
	s := m.hub.shard
	f := &m.follows[which]
	s.mu.Lock()
	room := maxWindow - m.window.Len()
	if !f.Behind() || m.starting.has(which) || m.state != active || m.settles() || room == 0 {
		s.mu.Unlock()
		return delivery.CaughtUp // or whatever ends the present state will read on
	}
	plan := f.Next()
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	r.hubs.metrics.pages.Inc()
	j.asked = true
	var log, inbox delivery.Page
	if plan.Log {
		if log, j.err = logPage(ctx, r.hubs.cfg.Streams, m.partition(), m.hub.key.Log(m.partition(), m.tokenOf(which)), plan.LogFrom, room); j.err != nil {
			return delivery.CaughtUp
		}
	}
	if inbox, j.err = inboxPage(ctx, r.hubs.cfg.Streams, m.partition(), m.hub.key.Inbox(m.partition(), m.tokenOf(which)), plan.InboxFrom, room); j.err != nil {
		return delivery.CaughtUp
	}

	s.mu.Lock()
	if m.state != active || !f.Valid(plan) {
		s.mu.Unlock()
		return delivery.ReadOn
	}
	out, had := f.Merge(plan, log, inbox)
	for _, msg := range had {
		t.had(m, which, msg)
	}
	m.raiseLocked(which)          // what was skipped may have been found in the inbox
	progress := delivery.CaughtUp // what stopped it will read on
	handed := 0
	for _, msg := range out {
		if !t.handOut(m, which, msg) {
			break
		}
		handed++
	}
	r.hubs.metrics.readOut.Add(float64(handed))
	if handed == len(out) {
		progress = f.Done(plan, log, inbox)
	}
	written := t.end()
	s.mu.Unlock()
	flushAll(written)
	return progress
}
