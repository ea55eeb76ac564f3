package routing

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
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
			h.refresh(ctx)
			h.doubt(func(int) bool { return true })
		case msg := <-elections:
			if p, ok := electedIn(msg.Subject); ok {
				h.doubt(func(of int) bool { return of == p })
				again[p] = time.Now().Add(electionSettles)
			}
		case p := <-h.suspects:
			if _, known := again[p]; !known {
				again[p] = time.Now().Add(overloadSettles)
			}
		case now := <-tick.C:
			for p, at := range again {
				if now.After(at) {
					delete(again, p)
					h.doubt(func(of int) bool { return of == p })
				}
			}
		}
	}
}

// electedIn returns the partition in which a log or an inbox has a new leader.
func electedIn(subject string) (p int, ok bool) {
	name := strings.TrimPrefix(subject, electionSubject)
	number, ok := strings.CutPrefix(name, "LOG_")
	if !ok {
		if number, ok = strings.CutPrefix(name, "INBOX_"); !ok {
			return 0, false
		}
	}
	p, err := strconv.Atoi(number)
	return p, err == nil
}

// doubt has the members in some partitions look whether they have missed anything.
func (h *Hubs) doubt(in func(partition int) bool) {
	for _, s := range h.shards {
		s.mu.Lock()
		for _, b := range s.hubs {
			for _, m := range b.members {
				if in(m.partition) {
					m.doubtLocked()
				}
			}
		}
		s.mu.Unlock()
	}
}

func (m *Member) doubtLocked() {
	if m.hubs.cfg.Streams == nil {
		return
	}
	for which := range m.follows {
		m.follows[which].Doubt()
	}
	m.hubs.reader.start(m)
}

// refresh forgets the positions of logs that are no more: those of another log mean
// nothing in it.
func (h *Hubs) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	changed, err := h.cfg.Streams.Refresh(ctx)
	if err != nil {
		h.complaints.warn("the log cannot be looked at", err)
	}
	for _, p := range changed {
		h.log.WithField("partition", p).Warn("the log was made anew; what was stored in it is gone")
		for _, s := range h.shards {
			s.mu.Lock()
			for _, b := range s.hubs {
				for _, m := range b.members {
					if m.partition == p {
						m.follows[byNode].Reset()
						m.follows[byIdentity].Reset()
					}
				}
			}
			s.mu.Unlock()
		}
	}
}
