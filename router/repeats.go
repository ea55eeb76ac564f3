package router

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// repeat is what is told of more than once; also the metric's label.
type repeat string

const (
	repeatAccount    repeat = "account"    // that was made
	repeatDeletion   repeat = "deletion"   // of an account
	repeatKey        repeat = "key"        // that was revoked
	repeatDelegation repeat = "delegation" // that was given, or taken back
	repeatGrant      repeat = "grant"      // of rights to rooms
	repeatPolicy     repeat = "policy"     // of who may send to an account
)

var allRepeats = []repeat{repeatAccount, repeatDeletion, repeatKey, repeatDelegation, repeatGrant, repeatPolicy}

// unrepeated counts what is told no further time, since too much waits.
type unrepeated map[repeat]prometheus.Counter

func newUnrepeated(r prometheus.Registerer) unrepeated {
	all := promauto.With(r).NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_router_unrepeated_total",
		Help: "Changes that edges are told of no further time, since too many wait, by kind: an edge that was away stays without.",
	}, []string{"kind"})
	u := unrepeated{}
	for _, what := range allRepeats {
		u[what] = all.WithLabelValues(string(what))
	}
	return u
}

// repeats tells of changes once more, some time after they were told first.
type repeats[T any] struct {
	after time.Duration
	tell  func(context.Context, T)
	queue chan repeated[T]
	lost  prometheus.Counter // of those that do not fit, and are not told again
}

type repeated[T any] struct {
	change T
	at     time.Time
}

func newRepeats[T any](after time.Duration, lost prometheus.Counter, tell func(context.Context, T)) *repeats[T] {
	return &repeats[T]{after: after, tell: tell, queue: make(chan repeated[T], eventBacklog), lost: lost}
}

// add has a change told again. It does not block.
func (r *repeats[T]) add(change T) {
	select {
	case r.queue <- repeated[T]{change, time.Now().Add(r.after)}:
	default:
		r.lost.Inc()
	}
}

// run tells until ctx is done. The first to come is the first to be told.
func (r *repeats[T]) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-r.queue:
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(next.at)):
				r.tell(ctx, next.change)
			}
		}
	}
}
