package status

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
)

// Queue is one of a member, as long as it is now.
type Queue struct {
	Name  string  `json:"name"`            // that of its metric, and of the label that tells it apart
	Has   float64 `json:"has"`             // entries, or bytes where the name says so
	Bound float64 `json:"bound,omitempty"` // 0 where there is none, or none that is known
}

// MemberQueues are those of a member.
type MemberQueues struct {
	ID          string             `json:"id"`
	Incarnation string             `json:"incarnation"`
	Role        Role               `json:"role"`
	Queues      []Queue            `json:"queues,omitempty"`  // that have something, or a bound
	Dropped     map[string]float64 `json:"dropped,omitempty"` // since it began, by what has dropped it and the reason
	Error       string             `json:"error,omitempty"`   // why there is no more
}

// Kept is a stream of JetStream. Times are absent where there is nothing.
type Kept struct {
	Name      string    `json:"name"`
	Messages  uint64    `json:"messages"`
	Bytes     uint64    `json:"bytes"`
	MaxBytes  int64     `json:"max_bytes,omitempty"`
	Addresses uint64    `json:"addresses"`
	Oldest    time.Time `json:"oldest,omitzero"`
	Readers   []Reader  `json:"consumers,omitempty"`
}

// Reader is a consumer of a stream.
type Reader struct {
	Name           string `json:"name"`
	Pending        uint64 `json:"pending"`
	Unacknowledged int    `json:"unacknowledged"`
	Redelivered    int    `json:"redelivered"`
}

// Backlog is what waits for an identity.
type Backlog struct {
	Identity string `json:"identity"`
	Messages uint64 `json:"messages"`
}

// Survey is what waits in the streams.
type Survey struct {
	Streams   []Kept    `json:"streams"`
	Waiting   []Backlog `json:"waiting"`             // the identities with the most
	Uncounted []string  `json:"uncounted,omitempty"` // inboxes with so many addresses that these were not asked for
	Error     string    `json:"error,omitempty"`     // why there is no more
}

// Waits is what waits where.
type Waits struct {
	At      int64          `json:"at"` // milliseconds since 1970
	Members []MemberQueues `json:"members"`
	Slowest []Session      `json:"slowest"`
	Survey
}

// gauges are the queues, by their metrics, each with the metric that has its bound, or the bound of [ReporterConfig.Bounds] of that
// name; "" for none.
var gauges = map[string]string{
	"limegrove_poll_queued_bytes": "max-queued", "limegrove_poll_held_bytes": "max-held",
	"limegrove_edge_waiting": "", "limegrove_edge_deferred": "", "limegrove_backing_waiting": "", "limegrove_rooms_untold": "",
	"limegrove_routing_inbound": "limegrove_routing_inbound_limit", "limegrove_routing_outbox_bytes": "limegrove_routing_outbox_limit_bytes", "limegrove_routing_readers_waiting": "",
	"limegrove_routing_registrations_pending": "", "limegrove_routing_presence_pending": "", "limegrove_routing_unacknowledged": "",
	"limegrove_nats_buffered_bytes": "", "limegrove_presence_waiting": "", "limegrove_events_waiting_bytes": "",
	"limegrove_group_waiting": "", "limegrove_router_waiting": "", "limegrove_account_hashing": "", "limegrove_herald_waiting": "",
}

// queues reads those of a process, and what it has dropped since it began.
func queues(from prometheus.Gatherer, bounds map[string]float64) (all []Queue, dropped map[string]float64) {
	dropped = map[string]float64{}
	limits := maps.Clone(bounds)
	if limits == nil {
		limits = map[string]float64{}
	}
	families, _ := from.Gather() // an error is beside what there is
	for _, f := range families {
		name, is := strings.CutPrefix(f.GetName(), "limegrove_")
		if !is {
			continue
		}
		what, drops := strings.CutSuffix(name, "_dropped_total")
		_, queue := gauges[f.GetName()]
		for _, m := range f.GetMetric() {
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue()
			label := ""
			for _, l := range m.GetLabel() {
				if n := l.GetName(); n != "dialect" || !drops {
					label = "/" + l.GetValue()
				}
			}
			switch {
			case drops && value > 0:
				dropped[what+label] += value
			case queue:
				all = append(all, Queue{Name: name + label, Has: value})
			case slices.Contains(slices.Collect(maps.Values(gauges)), f.GetName()):
				limits[f.GetName()] = value
			}
		}
	}
	for i, q := range all {
		metric, _, _ := strings.Cut(q.Name, "/")
		all[i].Bound = limits[gauges["limegrove_"+metric]]
	}
	all = slices.DeleteFunc(all, func(q Queue) bool { return q.Has == 0 && q.Bound == 0 })
	slices.SortFunc(all, func(a, b Queue) int { return cmp.Compare(a.Name, b.Name) })
	return all, dropped
}

const (
	// gatherTime is how long members have to answer.
	gatherTime = 2 * time.Second
	// surveyTime is how long JetStream has.
	surveyTime = 5 * time.Second
	// waitsTime is for how long an answer is given again: it costs all members something.
	waitsTime = 2 * time.Second
	// mostWaiting bounds the identities that are named.
	mostWaiting, someWaiting = 100, 10
)

// lately is the last answer.
type lately struct {
	mu    sync.Mutex
	at    time.Time
	top   int
	waits Waits
}

// queues answers what waits where.
func (p *Page) queues(w http.ResponseWriter, r *http.Request) {
	if err := p.guard.check(r); err != nil {
		fail(w, err)
		return
	}
	top := someWaiting
	if text := r.URL.Query().Get("top"); text != "" {
		var err error
		if top, err = strconv.Atoi(text); err != nil || top < 0 || top > mostWaiting {
			fail(w, Refusal{http.StatusBadRequest, "top is 0 to " + strconv.Itoa(mostWaiting)})
			return
		}
	}
	p.lately.mu.Lock()
	defer p.lately.mu.Unlock() // who asks meanwhile waits for the same answer
	if r.Context().Err() != nil {
		return
	}
	if time.Since(p.lately.at) > waitsTime || p.lately.top != top {
		waits := p.wait(r.Context(), top)
		if r.Context().Err() != nil {
			return // who has gone has not waited for all, and others want it all
		}
		p.lately.waits, p.lately.at, p.lately.top = waits, time.Now(), top
	}
	answer(w, http.StatusOK, p.lately.waits)
}

// wait asks all members, and JetStream.
func (p *Page) wait(ctx context.Context, top int) (w Waits) {
	var both sync.WaitGroup
	both.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, surveyTime)
		defer cancel()
		var err error
		if w.Survey, err = p.cfg.Survey(ctx, top); err != nil {
			w.Survey.Error = err.Error()
		}
	})
	members := slices.Clone(p.cfg.Members())
	told := p.gather(ctx, question{From: p.cfg.Reporter.cfg.Incarnation, Queues: true, Top: min(mostTop, max(1, toldMost/max(1, 2*len(members))))}, len(members))
	both.Wait()
	w.At, w.Members, w.Slowest = time.Now().UnixMilli(), []MemberQueues{}, []Session{}
	for _, m := range members {
		one := MemberQueues{ID: m.ID, Incarnation: m.Incarnation, Role: m.Role}
		if r, ok := told[m.Incarnation]; ok {
			one.Queues, one.Dropped = r.Queues, r.DroppedSince
			w.Slowest = append(w.Slowest, r.Slowest...)
		} else {
			one.Error = "it has not answered in time"
		}
		w.Members = append(w.Members, one)
	}
	slices.SortFunc(w.Slowest, func(a, b Session) int { return cmp.Compare(b.Queued, a.Queued) })
	w.Slowest = w.Slowest[:min(listed, len(w.Slowest))]
	return w
}

// gather asks all members a question, and waits until so many have answered, or it is time.
func (p *Page) gather(ctx context.Context, q question, members int) map[string]Report {
	told := map[string]Report{}
	ctx, cancel := context.WithTimeout(ctx, gatherTime)
	defer cancel()
	answers, inbox := make(chan *nats.Msg, maxAnswers), p.cfg.NATS.NewInbox()
	if s, err := p.cfg.NATS.ChanSubscribe(inbox, answers); err == nil {
		defer func() { _ = s.Unsubscribe() }() // the connection may be closed
		if b, err := json.Marshal(q); err == nil {
			_ = p.cfg.NATS.PublishRequest(p.cfg.Subjects.Ask, inbox, b) // who does not hear it does not answer
		}
	}
	own := p.cfg.Reporter.Report(ctx, q)
	told[own.Incarnation] = own
	for len(told) < members {
		select {
		case <-ctx.Done():
			return told
		case m := <-answers:
			var r Report
			if json.Unmarshal(m.Data, &r) == nil && r.Incarnation != "" {
				told[r.Incarnation] = r
			}
		}
	}
	return told
}
