package routing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/routing/subject"
)

// Copies may be lost where nobody sees it: a stream's leader that dies may have stored
// what it never republished, and a connection that breaks loses what was on it. Then
// the members of the partitions in question look whether they have missed anything.

// electionSubject is where JetStream tells that a stream has a new leader.
const electionSubject = "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED."

// electionSettles is when the members look a second time after an election: what its
// leader had not applied yet when it was elected is republished or readable by then.
const electionSettles = 3 * time.Second

// overloadSettles is when the members look after the edge could not keep up.
const overloadSettles = time.Second

// resync follows what may have cost copies until ctx is done.
func (h *Hubs) resync(ctx context.Context, back <-chan nats.Status) error {
	elections := make(chan *nats.Msg, 256)
	sub, err := h.cfg.NATS.ChanSubscribe(electionSubject+"*", elections)
	if err != nil {
		return fmt.Errorf("subscribe to elections: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection may be gone
	again := map[int]time.Time{}             // partitions to be looked at once more
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-back:
			h.doubt(inAll)
		case msg := <-elections:
			if p, ok := electedIn(msg.Subject); ok {
				h.doubt(func(of int) bool { return of == p })
				again[p] = time.Now().Add(electionSettles)
			}
		case <-h.suspects:
			for p := range h.cfg.Streams.Partitions() {
				if _, known := again[p]; !known {
					again[p] = time.Now().Add(overloadSettles)
				}
			}
		case now := <-tick.C:
			due := map[int]bool{}
			for p, at := range again {
				if now.After(at) {
					delete(again, p)
					due[p] = true
				}
			}
			if len(due) > 0 {
				h.doubt(func(of int) bool { return due[of] })
			}
		}
	}
}

// electedIn returns the partition in which a log or an inbox has a new leader.
func electedIn(told string) (p int, ok bool) {
	return subject.PartitionOf(strings.TrimPrefix(told, electionSubject))
}

// doubt has the members in some partitions look whether they have missed anything.
func (h *Hubs) doubt(in func(partition int) bool) { h.each(in, (*Member).doubtLocked) }

// each does something to all members in some partitions, with their shards locked.
func (h *Hubs) each(in func(partition int) bool, do func(*Member)) {
	for _, s := range h.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			for m := range b.members.all() {
				if in(m.partition()) {
					do(m)
				}
			}
		}
		s.mu.Unlock()
	}
}

// inAll is every partition.
func inAll(int) bool { return true }

func (m *Member) doubtLocked() {
	if m.hubs().cfg.Streams == nil {
		return
	}
	for which := range m.follows {
		m.follows[which].Doubt()
	}
	m.hubs().reader.start(m)
}

// MadeAnew says that a partition has another log or inbox than before. All that is
// remembered of the one before stays: the positions of the new one are above it. What a
// session was handed can still be acknowledged, and comes no second time. The members
// look whether they have missed anything of the new one, and floors that were told under
// the name of the log before are told under the new one's.
func (h *Hubs) MadeAnew(p int) {
	if h.cfg.Streams == nil {
		return
	}
	in := func(of int) bool { return of == p }
	h.each(in, func(m *Member) {
		m.follows[byNode].Anew()
		m.follows[byIdentity].Anew()
		m.doubtLocked()
	})
	h.floors.again(in)
}
