package routing

import (
	"context"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// maxTurn is how many envelopes a dispatcher handles before it lets go of its
// shard and writes.
const maxTurn = 256

// dispatch hands out what NATS brings for the hubs of one shard, in order, until
// ctx is done. What one turn has for a session leaves in one write.
func (h *Hubs) dispatch(ctx context.Context, s *shard) {
	for {
		select {
		case <-ctx.Done():
			return
		case msg := <-s.messages:
			s.mu.Lock()
			s.turn.handle(s, msg)
		more:
			for range maxTurn - 1 {
				select {
				case msg := <-s.messages:
					s.turn.handle(s, msg)
				default:
					break more
				}
			}
			written := s.turn.end()
			s.mu.Unlock()
			flushAll(written)
			s.turn.tell() // not under the lock: a broker that does not read blocks
		}
	}
}

// flushAll writes what recipients were given, and forgets them.
func flushAll(written []Recipient) {
	for i, to := range written {
		to.Flush()
		written[i] = nil
	}
}

// turn is what a dispatcher does between two writes.
type turn struct {
	hubs    *Hubs
	header  lime.Header
	rewrite []byte                        // an envelope whose to was written another way
	traced  []byte                        // an envelope with the span of its delivery
	stored  bool                          // what is given is; for that span
	address []byte                        // what its to becomes
	chosen  []*route                      // those that an envelope is for
	touched []*Member                     // given something
	written []Recipient                   // theirs, to be flushed
	fates   []fate                        // of envelopes that reached nobody
	by      Recipient                     // who passes all this on; nil for a dispatcher
	short   bool                          // it is the short cut, by which nobody is told that somebody is not there
	nobody  bool                          // it has reached nobody
	gave    [lime.KindSession + 1]portion // to sessions, by kind, and not counted yet
}

// fate is what the origin of a publication is told: a reason's code, or the answer to
// a question.
type fate struct {
	reply string
	text  []byte
}

// portion is a number of envelopes and how long they are together.
type portion struct{ envelopes, bytes int }

// count counts what was given.
func (t *turn) count() {
	for k := range t.gave {
		if n := &t.gave[k]; n.envelopes > 0 {
			t.hubs.metrics.delivered.Add(float64(n.envelopes))
			t.hubs.cfg.Sent(lime.Kind(k), n.envelopes, n.bytes)
			*n = portion{}
		}
	}
}

// end returns the recipients to flush, which are the caller's until the next end.
func (t *turn) end() []Recipient {
	t.count()
	t.written = t.written[:0]
	for i, m := range t.touched {
		m.touched = false
		t.touched[i] = nil
		m.probeLocked(false)
		t.written = append(t.written, m.to)
	}
	t.touched = t.touched[:0]
	return t.written
}

// handle takes one message of NATS, with the shard locked.
func (t *turn) handle(s *shard, msg *nats.Msg) {
	key, token, ok := subject.SplitTo(msg.Subject)
	if !ok {
		t.hubs.metrics.drop(dropMalformed)
		return
	}
	b := s.hubs.find(key)
	if b == nil {
		t.late(s, key, token, msg)
		return
	}
	if token == subject.View {
		t.hubs.viewChanged(b, msg.Data)
		return
	}
	if token == subject.Account {
		t.hubs.accountChanged(b, msg.Data)
		return
	}
	if token == subject.Delegation {
		t.hubs.delegationChanged(b, msg.Data)
		return
	}
	if token == subject.Policy {
		t.hubs.policyChanged(b)
		return
	}
	if token == subject.Granted {
		t.hubs.grantsChanged(b, msg.Data)
		return
	}
	if token == subject.Observe {
		t.observe(b, msg.Data)
		return
	}
	if token == subject.Hosts {
		t.hostTold(b, msg.Data)
		return
	}
	if token == subject.Here {
		t.fates = append(t.fates, fate{msg.Reply, b.here()})
		return
	}
	if token == subject.Acked {
		t.hubs.othersAcked(b, msg.Data)
		return
	}
	if token == subject.Working {
		if !b.othersWork(msg.Data, time.Now()) {
			t.hubs.metrics.drop(dropMalformed)
		}
		return
	}
	from, ok := subject.ParseReply(msg.Reply)
	if !ok {
		t.ofStream(b, token, msg)
		return
	}
	if from.Edge == t.hubs.cfg.Edge {
		b.cameBack()
	}
	if from.Hops > t.hubs.cfg.MaxHops {
		t.hubs.metrics.drop(dropHopLimit)
		return
	}
	if _, err := t.header.Scan(msg.Data); err != nil {
		t.hubs.metrics.drop(dropMalformed)
		return
	}
	t.deliver(b, token, from, msg)
}

// ofStream takes the copy of a stored message that a stream has republished.
func (t *turn) ofStream(b *hub, token string, msg *nats.Msg) {
	c, ok, err := parseStored(msg.Header)
	switch {
	case !ok:
		t.hubs.metrics.drop(dropOrigin)
	case err != nil:
		t.hubs.metrics.drop(dropMalformed)
	case t.hubs.cfg.Streams != nil:
		t.storedCopy(b, token, c, msg.Data)
	}
}

// note has the origin of an envelope that reached nobody told so, if it asked to know.
func (t *turn) note(reply string, from subject.Origin, code lime.Code) {
	if from.Sequence != subject.NoReply {
		t.fates = append(t.fates, fate{reply, strconv.AppendInt(nil, int64(code), 10)})
	}
}

// tell tells what was noted.
func (t *turn) tell() {
	for i, f := range t.fates {
		if err := t.hubs.cfg.NATS.Publish(f.reply, f.text); err != nil {
			t.hubs.metrics.drop(dropBroker)
		}
		t.fates[i] = fate{}
	}
	t.fates = t.fates[:0]
}
