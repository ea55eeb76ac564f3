package fanout

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
	"limegrove/tracing"
)

// How long it is waited before what failed is tried again: twice as long each time.
const (
	retryPause    = 50 * time.Millisecond
	retryPauseMax = 2 * time.Second
)

// copyLot is how many copies are stored together; the lease is looked at before each lot.
const copyLot = 512

// message is one that is fanned out.
type message struct {
	*tenure
	waiting
	header lime.Header
	sender lime.Identity
	from   []byte // of the copies
	unique string // of the message

	roster  *roster
	pending map[int][]*addressee // by the partitions of the members' logs
	again   bool                 // it has been tried
	span    *tracing.Span        // nil for most

	mu      sync.Mutex // guards lost
	lost    int        // copies that were given up
	refused int
}

// fanOut stores the copies of a message, and tells its sender. It is false when the tenure
// ends before that.
func (t *tenure) fanOut(ctx context.Context, key subject.Key, w waiting) bool {
	m := message{tenure: t, waiting: w}
	if !m.parse() {
		t.metrics.drop(dropMalformed)
		return true
	}
	began := time.Now()
	for try := 0; ; try++ {
		err := m.try(ctx, key)
		switch {
		case err == nil:
			m.ended(nil)
			t.metrics.stored.Inc()
			t.metrics.seconds.Observe(time.Since(w.at).Seconds())
			m.tell(ctx)
			return true
		case errors.Is(err, ErrGone):
			m.ended(reasonGone)
			t.metrics.drop(dropGone)
			m.tellFailed(ctx, reasonGone)
			return true
		case ctx.Err() != nil || !t.valid():
			m.ended(reasonLost) // by this router; whoever has the partition next begins a span of its own
			return false
		case time.Since(began) > t.cfg.Patience:
			m.ended(reasonLost)
			m.giveUp(ctx)
			return true
		}
		if try == 0 && w.failing != nil {
			w.failing()
		}
		m.again = true
		t.metrics.repeated.Inc()
		t.complain(err, "messages of groups cannot be fanned out; trying on")
		pause(ctx, min(retryPause<<min(try, 8), retryPauseMax))
	}
}

var (
	reasonGone   = &lime.Reason{Code: lime.CodeRoutingDestinationNotFound, Description: "There is no such group any more"}
	reasonMayNot = &lime.Reason{Code: lime.CodeAuthorizationPermissionRequired, Description: "Its sender may not send to the group"}
	reasonLost   = &lime.Reason{Code: lime.CodeDispatchError, Description: "The message could not be stored for all members"}
)

// parse reads what is needed of the message.
func (m *message) parse() bool {
	if _, err := m.header.Scan(m.Data); err != nil || m.header.Kind != lime.KindMessage {
		return false
	}
	from, err := lime.ParseNode(string(m.header.From))
	if err != nil || from.Name == "" || from.Domain == "" {
		return false
	}
	if m.cfg.Tracer != nil {
		m.span = m.cfg.Tracer.Next(tracing.StepFanOut, m.Data)
	}
	m.sender = from.Identity
	if m.unique = m.Header.Get(nats.MsgIdHdr); m.unique == "" {
		m.unique = "group:" + strconv.Itoa(m.p) + ":" + strconv.FormatUint(m.Sequence, 10)
	}
	return true
}

// ended ends the span, if any: why, where not all copies are stored.
func (m *message) ended(why *lime.Reason) {
	if m.span == nil {
		return
	}
	if m.refused > 0 {
		m.span.Dropped = string(dropRefused)
	}
	m.cfg.Tracer.End(m.span, why)
	m.span = nil
}

// try stores what is not stored yet. Who the members are is found out once.
func (m *message) try(ctx context.Context, key subject.Key) error {
	if m.roster == nil {
		members, err := m.rosters.get(ctx, key, m.at)
		if err != nil {
			return err
		}
		m.address(members)
	}
	var all sync.WaitGroup
	errs := make(chan error, len(m.pending))
	left := make([]*atomic.Pointer[[]*addressee], 0, len(m.pending))
	var partitions []int
	for p, to := range m.pending {
		rest := &atomic.Pointer[[]*addressee]{}
		left, partitions = append(left, rest), append(partitions, p)
		all.Go(func() {
			not, err := m.store(ctx, p, to)
			rest.Store(&not)
			errs <- err
		})
	}
	all.Wait()
	close(errs)
	for i, p := range partitions {
		if m.pending[p] = *left[i].Load(); len(m.pending[p]) == 0 {
			delete(m.pending, p)
		}
	}
	var first error
	for err := range errs {
		if first == nil {
			first = err
		}
	}
	return first
}

// address notes whom copies are for: all members but the sender, whose identity has one
// only when its session wants to hear itself.
func (m *message) address(members *roster) {
	m.roster, m.pending = members, map[int][]*addressee{}
	m.from = lime.AppendGroupSender(nil, members.group, m.sender)
	own, err := subject.MakeKey(m.sender)
	echo := err != nil || m.Header.Get(stream.EchoHeader) != ""
	for i := range members.members {
		if to := &members.members[i]; echo || to.key != own {
			m.pending[to.partition] = append(m.pending[to.partition], to)
			if m.span != nil {
				m.span.Copies++
			}
		}
	}
}

// store stores the copies for members whose logs are one partition's, and returns those
// members for whom it has not.
func (m *message) store(ctx context.Context, p int, to []*addressee) (left []*addressee, err error) {
	slots := m.stores
	if m.again { // a log that does not answer holds up nobody else
		slots = m.retries[p]
	}
	for len(to) > 0 {
		lot := to[:min(copyLot, len(to))]
		copies := m.copies(lot, p)
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return append(left, to...), context.Cause(ctx)
		}
		var errs []error
		if m.valid() {
			errs = m.cfg.Streams.Store(ctx, copies)
		}
		<-slots
		if errs == nil {
			return append(left, to...), errLost
		}
		for i, failed := range errs {
			switch {
			case failed == nil:
				m.metrics.storedCopies.Inc()
			case errors.Is(failed, stream.ErrRefused):
				m.metrics.drop(dropRefused)
				m.mu.Lock()
				m.refused++
				m.mu.Unlock()
			default:
				left, err = append(left, lot[i]), failed
			}
		}
		to = to[len(lot):]
		if err != nil { // the rest of this log, too
			return append(left, to...), fmt.Errorf("store copies: %w", err)
		}
	}
	return left, nil
}

// copies are the message for members whose logs are one partition's. What they are made of
// lies together, so that a copy costs few allocations.
func (m *message) copies(to []*addressee, p int) []*nats.Msg {
	size := 0
	for _, a := range to {
		size += m.size(a)
	}
	all, each := make([]*nats.Msg, len(to)), make([]nats.Msg, len(to))
	ids, data := make([]string, len(to)), make([]byte, 0, size)
	var text []byte
	for i, a := range to {
		text = append(append(append(append(append(text[:0], m.unique...), '\n'), a.key...), '\n'), a.token...)
		sum := sha256.Sum256(text)
		ids[i] = base64.RawURLEncoding.EncodeToString(sum[:16])
		start := len(data)
		data = m.appendEnvelope(data, a)
		each[i] = nats.Msg{
			Subject: a.key.Log(p, a.token),
			Header:  nats.Header{nats.MsgIdHdr: ids[i : i+1 : i+1]},
			Data:    data[start:len(data):len(data)],
		}
		all[i] = &each[i]
	}
	return all
}

// appendEnvelope appends what one member gets: the sender's words, from the group.
func (m *message) appendEnvelope(b []byte, to *addressee) []byte {
	return m.header.AppendRewritten(b, m.Data, lime.Rewrite{From: m.from, To: []byte(to.to), RemovePP: m.header.PP != nil})
}

// size is about what that needs.
func (m *message) size(to *addressee) int { return len(m.Data) + len(m.from) + len(to.to) }

// giveUp counts the copies that are not stored, and tells the sender.
func (m *message) giveUp(ctx context.Context) {
	for _, to := range m.pending {
		m.metrics.dropped[dropGivenUp].Add(float64(len(to)))
		m.lost += len(to)
	}
	m.tellFailed(ctx, reasonLost)
}
