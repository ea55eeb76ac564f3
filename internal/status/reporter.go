package status

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ReporterConfig is of what a member reports.
type ReporterConfig struct {
	Incarnation, Version string
	// Gatherer is the process's metrics.
	Gatherer prometheus.Gatherer
	// Cores is how many processors the process may use.
	Cores int
	// State tells what no metric does. It does not block.
	State func() State
	// Bounds are those of queues that no metric tells, by the names of the settings. It does not block. Default none.
	Bounds func() map[string]float64
	// Sessions tells of up to n of the busiest sessions and of the slowest, within ctx. Nil where there are none.
	Sessions func(ctx context.Context, n int) (busiest, slowest []Session)
}

// bounds are those of Bounds.
func (c *ReporterConfig) bounds() map[string]float64 {
	if c.Bounds == nil {
		return nil
	}
	return c.Bounds()
}

// State is what no metric tells of a process.
type State struct {
	NATS     string
	Draining bool
	Log      Log
}

// Reporter makes the reports of this member. It is asked by anybody.
type Reporter struct {
	cfg    ReporterConfig
	lately standouts

	mu      sync.Mutex
	before  reading
	made    Report // of the last one, without what a question asks for besides
	sampled reading
	earlier reading  // the one before that
	history []Sample // the oldest first; one for each At
}

const (
	// freshTime is for how long a report is given again: many may ask.
	freshTime = 900 * time.Millisecond
	// longTime is after how much of it what was is no measure of what is.
	longTime = 10 * time.Second
	// leastSpan is the time that a rate is measured in, at least.
	leastSpan = time.Second
)

// NewReporter makes a reporter, which keeps a history while Run runs.
func NewReporter(cfg ReporterConfig) *Reporter { return &Reporter{cfg: cfg} }

// Run takes samples until ctx is done.
func (r *Reporter) Run(ctx context.Context) {
	tick := time.NewTicker(sampleSpan)
	defer tick.Stop()
	for r.sample(); ; r.sample() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sample adds one to the history, but for the first time.
func (r *Reporter) sample() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := read(r.cfg.Gatherer, time.Now())
	if !r.sampled.at.IsZero() {
		r.keep(now.sample(&r.sampled))
	}
	r.earlier, r.sampled = r.sampled, now
}

// keep adds a sample to the history. Of two in one span, as when one comes late, the later is kept: members' are added up.
func (r *Reporter) keep(s Sample) {
	if n := len(r.history); n > 0 && r.history[n-1].At == s.At {
		r.history[n-1] = s
		return
	}
	if len(r.history) == samples {
		r.history = append(r.history[:0], r.history[1:]...)
	}
	r.history = append(r.history, s)
}

// Report answers a question. What it returns is nobody else's.
func (r *Reporter) Report(ctx context.Context, q question) Report {
	report := r.measured(q.History)
	if q.Queues {
		report.Queues, report.DroppedSince = queues(r.cfg.Gatherer, r.cfg.bounds())
	}
	if r.cfg.Sessions != nil && q.Top > 0 {
		report.Busiest, report.Slowest = r.standouts(ctx, q.Top)
	}
	return report
}

// since is the reading that tells what is now: the last one that was asked for, or when that is long ago, a sample that is not so
// recent that chance decides. Without any, nothing is known.
func (r *Reporter) since(now time.Time) reading {
	switch {
	case now.Sub(r.before.at) <= longTime:
		return r.before
	case now.Sub(r.sampled.at) >= leastSpan && !r.sampled.at.IsZero():
		return r.sampled
	case !r.earlier.at.IsZero():
		return r.earlier
	}
	return r.before
}

// measured is the report without sessions.
func (r *Reporter) measured(history bool) Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.before.at) >= freshTime {
		before := r.since(now)
		is := read(r.cfg.Gatherer, now)
		if before.at.IsZero() {
			before = is
		}
		is.since(&before, &r.made)
		r.before = is
	}
	report := r.made
	state := r.cfg.State()
	report.Incarnation, report.Version, report.Cores = r.cfg.Incarnation, r.cfg.Version, r.cfg.Cores
	report.NATS, report.Draining, report.Log = state.NATS, state.Draining, state.Log
	report.Dropped, report.States, report.Dialects = maps.Clone(report.Dropped), maps.Clone(report.States), maps.Clone(report.Dialects)
	if history {
		report.History = append([]Sample(nil), r.history...)
	}
	return report
}
