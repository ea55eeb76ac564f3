package routing

import (
	"bytes"
	"context"
	"hash/maphash"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// The short cut: what a session sends to an identity all of whose sessions are on its own edge
// is handed out there at once, and the broker does not see it. Two things have to be known for it.
//
// That no other edge has a hub of the identity. The view tells most of it, but not of sessions that
// Redis has not heard of yet, nor of those that nobody is told of. So an edge that would go the short cut asks, on
// the identity's own subject, which every edge with such a hub hears and answers; and one that has a
// session which is not in the view says so by itself.
//
// And that nothing is overtaken: whatever the edge has published for the hub must have come back
// before. It is counted, when it is published and not before, since the question itself proves that all is back which was
// published before that: it goes the same way. Nor is the short cut gone while somebody publishes, who has not counted yet what may
// be back already. A count that is too high, because something was dropped or came back before the question did, is put right by the
// next question; too low it never is.
//
// Who does not know both publishes. That is never wrong, only dearer.
//
// An answer may be lost all the same: it is given once, brokers that are cut off from each other bring none, and
// processes of an earlier version know no such question. So nothing of this is gone while not all members are known
// to answer; who goes the short cut asks again from time to time, and goes on meanwhile; and nobody is told by it that
// somebody is not there.

const (
	// aloneAfter is how long after a question an edge waits for answers. What a session that comes
	// meanwhile misses is at most once.
	aloneAfter = 100 * time.Millisecond

	// askAgain is how soon it asks again when its question was of no use, and companyFor when
	// another edge was heard of.
	askAgain   = time.Second
	companyFor = 10 * time.Second

	// soundFor is how long it goes by what it has heard: as long as that may have been wrong, what is for
	// a session elsewhere may miss it.
	soundFor = 30 * time.Second

	// answeringEvery is how often it is looked who would answer.
	answeringEvery = time.Second
)

// alone is what a hub's edge knows of whether it has all of the identity's hubs; nil before the first question.
// It is guarded by the shard.
type alone struct {
	doubts  uint32    // those of the edge, as of when it asked
	checks  uint32    // likewise, also while it goes on
	asked   time.Time // last
	number  uint32    // of that question
	back    bool      // it has come back
	settled bool      // and nobody has answered for long enough
	company time.Time // when another edge was heard of last
	out     int       // published since the question, and not come back
}

// nearby tells quickly that an edge has no hub of an identity, which is so for most that are written to where there
// are many edges. It counts by a hash of their keys.
type nearby [1 << 15]atomic.Int64

func (n *nearby) of(hash uint64) *atomic.Int64 { return &n[hash>>40%uint64(len(n))] }

// What is counted of one hash: hubs, and above them publications that are under way.
const (
	oneHub         = 1
	onePublication = 1 << 32
)

func hubsIn(count int64) bool      { return count%onePublication != 0 }
func publishedIn(count int64) bool { return count >= onePublication }

// hash is what shardOf and nearby go by.
func (h *Hubs) hash(key subject.Key) uint64 { return maphash.String(h.seed, string(key)) }

// handHere goes the short cut, if it may be gone, and tells whether it has. key and token are of s.
func (h *Hubs) handHere(m *Member, key subject.Key, token string, header *lime.Header, envelope []byte, s *scratch) bool {
	sh := h.shardOf(key)
	sh.mu.Lock()
	b := sh.hubs.find(key)
	is, ask := b.isAlone(h.doubts.Load(), h.checks.Load(), time.Now)
	if !is || publishedIn(h.here.of(h.hash(key)).Load()) {
		sh.mu.Unlock()
		if ask > 0 {
			h.tellHosts(key, ask)
		}
		return false
	}
	t := &s.turn
	if _, err := t.header.Scan(envelope); err != nil {
		sh.mu.Unlock()
		return false
	}
	keep := h.keeps(header, envelope)
	from := subject.Origin{Edge: h.cfg.Edge, Turn: h.turns.Add(1)} // nothing looks at the standing where there is no policy
	if keep != nil || wantsAnswer(header) {
		from.Sequence = fateWanted
	}
	t.hubs, s.msg.Data = h, envelope
	if !s.foreign { // what was is let go by who has found the gateway
		t.by = m.to
	}
	t.short, t.nobody = true, false
	t.deliver(b, token, from, &s.msg)
	written := t.end()
	sh.mu.Unlock()
	flushAll(written)
	t.by, s.msg.Data = nil, nil
	if ask > 0 {
		h.tellHosts(key, ask)
	}
	if t.nobody { // that this edge knows of
		return false
	}
	h.metrics.short.Inc()
	for i := range t.fates {
		code, _ := strconv.Atoi(string(t.fates[i].text)) // of note
		p := pending{member: m, id: header.ID, kind: header.Kind, method: header.Method, envelope: keep}
		h.unreached(&p, lime.Code(code))
		t.fates[i] = fate{}
	}
	t.fates = t.fates[:0]
	return true
}

// fateWanted stands for the sequence of an envelope that no reply tells about.
const fateWanted = subject.NoReply + 1

// isAlone tells whether the short cut may be gone, and the number of a question that is to be asked; 0 for none.
// The shard is locked.
func (h *hub) isAlone(doubts, checks uint32, clock func() time.Time) (is bool, ask uint32) {
	if h == nil || h.members.first == nil || len(h.remote()) > 0 || h.reading {
		return false, 0
	}
	if h.members.first.registered == 0 { // who registers elsewhere sees nobody here, and tells nobody
		return false, 0
	}
	l := h.learns()
	if l.policy.inForce != nil || l.policy.asking > 0 {
		return false, 0
	}
	a := l.alone
	if a == nil {
		a = &alone{}
		l.alone = a
	}
	fresh := a.doubts == doubts && a.back && a.out == 0
	if fresh && a.settled {
		if a.checks != checks {
			a.checks = checks
			return true, a.number
		}
		return true, 0
	}
	now := clock()
	switch {
	case now.Sub(a.company) < companyFor:
		return false, 0
	case fresh && now.Sub(a.asked) >= aloneAfter:
		a.settled = true
		return true, 0
	case now.Sub(a.asked) < askAgain:
		return false, 0
	}
	*a = alone{doubts: doubts, checks: checks, asked: now, number: a.number + 1, company: a.company}
	return false, a.number
}

// sentAway counts what was published, if it was for a hub of this edge.
func (h *Hubs) sentAway(key subject.Key) {
	s := h.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.hubs.find(key); b != nil && b.known().alone != nil {
		b.learns().alone.out++
	}
}

// cameBack counts what this edge has published, as it comes back. The shard is locked.
func (h *hub) cameBack() {
	if a := h.known().alone; a != nil && a.back { // before that, the question answers for it
		a.out--
	}
}

// tellHosts tells all edges that have a hub of an identity that this one has, and with the number of a question
// asks them to say the same.
func (h *Hubs) tellHosts(key subject.Key, question uint32) {
	if err := h.cfg.NATS.Publish(key.Hosts(), hostOf(h.cfg.Edge, question)); err != nil {
		h.metrics.drop(dropBroker)
	}
}

// hostOf is an edge, a line break, and the number of its question, 0 for none.
func hostOf(e presence.EdgeID, question uint32) []byte {
	return strconv.AppendUint(append([]byte(e), '\n'), uint64(question), 10)
}

// parseHost reads what hostOf has made.
func parseHost(b []byte) (e presence.EdgeID, question uint32, ok bool) {
	edge, number, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return "", 0, false
	}
	n, err := strconv.ParseUint(string(number), 10, 32)
	return presence.EdgeID(edge), uint32(n), err == nil
}

// hostTold takes what an edge that has a hub of the identity says, with the shard locked.
func (t *turn) hostTold(b *hub, data []byte) {
	edge, question, ok := parseHost(data)
	a := b.known().alone
	switch {
	case !ok:
		t.hubs.metrics.drop(dropMalformed)
	case edge == t.hubs.cfg.Edge:
		b.heardItself()
		if a != nil && question == a.number {
			a.back = true
		}
	default:
		if a != nil {
			a.company, a.settled = time.Now(), false
		}
		if question != 0 {
			t.fates = append(t.fates, fate{b.key.Hosts(), hostOf(t.hubs.cfg.Edge, 0)})
		}
	}
}

// doubtAlone has edges asked anew before the next short cut.
func (h *Hubs) doubtAlone() { h.doubts.Add(1) }

// followConnection doubts whatever was heard whenever the connection breaks and when it is back, and follows who
// would answer, until ctx is done.
func (h *Hubs) followConnection(ctx context.Context, changed <-chan nats.Status) {
	look, check := time.NewTicker(answeringEvery), time.NewTicker(soundFor)
	defer look.Stop()
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-changed:
			h.doubtAlone()
			if now == nats.RECONNECTING {
				h.forgetHeard()
			}
		case <-look.C:
			h.lookWhoAnswers()
		case <-check.C:
			h.checks.Add(1)
		}
	}
}

// lookWhoAnswers stops the short cut while somebody may be there who does not answer.
func (h *Hubs) lookWhoAnswers() {
	all := h.cfg.AllAnswer == nil || h.cfg.AllAnswer()
	if all && !h.answering.Load() {
		h.doubtAlone() // silence has told nothing
	}
	h.answering.Store(all)
}
