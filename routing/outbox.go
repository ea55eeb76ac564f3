package routing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// outbox brings the envelopes of an edge's sessions into the log. Sessions add to it
// from their loops and never wait; one goroutine publishes, hears what JetStream
// says, and tells the senders.
//
// It is bounded by the budget, out of which everything has been given room before it is
// added, and for each session by holding its reading while much of it is under way.
type outbox struct {
	hubs   *Hubs
	prefix string // of the subjects on which JetStream answers
	acks   chan *nats.Msg
	wake   chan struct{} // holds one

	mu    sync.Mutex
	fresh []*outgoing

	// Owned by run.
	spare   []*outgoing   // becomes fresh
	queues  []outboxQueue // of the partitions' logs, and behind them of their streams for groups
	text    []byte
	message nats.Msg // what is published, which NATS keeps nothing of
	unique  []string // its message id
	touched map[*Member]struct{}
}

const (
	// outboxWindow is how many of one partition are published and not answered.
	outboxWindow = 4096

	// outboxPatience is how long nothing may be answered before it is published again:
	// longer than a busy broker takes, shorter than an election.
	outboxPatience = 2 * time.Second

	// holdAt is how many envelopes of one session are under way when reading from its
	// client stops, if its share of the budget does not stop it before. It goes on at
	// half of it.
	holdAt = 256
)

// guestLifetime says for how many seconds a message waits for a guest, and a notification
// for a node.
var guestLifetime = []string{strconv.Itoa(int(stream.GuestLifetime / time.Second))}

// echoWanted is the value of stream.EchoHeader.
var echoWanted = []string{"1"}

func newOutbox(h *Hubs) *outbox {
	unique := []string{""}
	return &outbox{
		message: nats.Msg{Header: nats.Header{nats.MsgIdHdr: unique, stream.OriginHeader: []string{string(h.cfg.Edge)}}}, unique: unique,
		hubs: h, prefix: subject.AckPrefix(h.cfg.Edge), acks: make(chan *nats.Msg, 4*outboxWindow),
		wake: make(chan struct{}, 1), queues: make([]outboxQueue, 2*h.cfg.Streams.Partitions()),
		touched: map[*Member]struct{}{},
	}
}

// errOutboxFull is for a sender when too much is under way.
var errOutboxFull = &lime.Reason{Code: lime.CodeDispatchError, Description: "Too much waits to be stored; try again later"}

// add takes o, for which the budget has given room. It does not block.
func (b *outbox) add(o *outgoing) {
	b.mu.Lock()
	b.fresh = append(b.fresh, o)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run publishes until ctx is done, and then for as long as something is under way, and the configured timeout at most.
func (b *outbox) run(ctx context.Context) error {
	back := b.hubs.cfg.NATS.StatusChanged(nats.CONNECTED)
	defer b.hubs.cfg.NATS.RemoveStatusListener(back)
	sub, err := b.hubs.cfg.NATS.ChanSubscribe(subject.Acks(b.hubs.cfg.Edge), b.acks)
	if err != nil {
		return fmt.Errorf("subscribe to acknowledgements: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection may be gone
	look, looks := time.NewTimer(0), true
	defer look.Stop()
	done, over := ctx.Done(), make(<-chan time.Time)
	for done != nil || b.hubs.budget.used.Load() > 0 { // some of it may be with those who ask about recipients
		select {
		case <-done:
			done = nil
			over = time.After(b.hubs.cfg.Timeout)
			// What comes of the last publications is told before this is answered, and may have to be stored.
			if err := b.hubs.cfg.NATS.FlushTimeout(b.hubs.cfg.Timeout); err != nil {
				return nil
			}
			b.take()
		case <-over:
			return nil
		case <-b.wake:
			b.take()
		case msg := <-b.acks:
			b.answered(msg)
			for more := true; more; {
				select {
				case msg := <-b.acks:
					b.answered(msg)
				default:
					more = false
				}
			}
			b.take()
		case <-back:
			for p := range b.queues { // what was under way may be lost
				b.queues[p].back(0, time.Now())
			}
		case <-look.C:
			looks = false
			b.look(time.Now())
		}
		b.publish(time.Now())
		b.flush()
		if !looks && (b.waits() || done == nil) {
			look.Reset(outboxPause)
			looks = true
		}
	}
	return nil
}

// waits tells whether something may become due.
func (b *outbox) waits() bool {
	return slices.ContainsFunc(b.queues, func(q outboxQueue) bool { return len(q.all) > 0 })
}

// take brings what sessions have added into the queues.
func (b *outbox) take() {
	b.mu.Lock()
	fresh := b.fresh
	b.fresh = b.spare
	b.mu.Unlock()
	for _, o := range fresh {
		b.queues[b.queueOf(o)].add(o)
	}
	b.spare = emptied(fresh)
}

// emptied returns the memory of all that was in a list, unless it is much, to be used again.
func emptied(all []*outgoing) []*outgoing {
	if cap(all) > outboxWindow {
		return nil
	}
	clear(all)
	return all[:0]
}

// queueOf is the queue for what o is stored in: one for each stream, since each answers in
// its own order.
func (b *outbox) queueOf(o *outgoing) int {
	if o.group {
		return len(b.queues)/2 + o.partition
	}
	return o.partition
}

// suspect says that the stream of a queue may be gone.
func (b *outbox) suspect(queue int) {
	b.hubs.cfg.Streams.Suspect(queue % (len(b.queues) / 2))
}

// publish publishes what the windows have room for.
func (b *outbox) publish(now time.Time) {
	for p := range b.queues {
		q := &b.queues[p]
		for o := q.next(now, outboxWindow); o != nil; o = q.next(now, outboxWindow) {
			b.text = o.appendTo(b.text[:0])
			to := len(b.text)
			b.text = subject.AppendAck(b.text, b.prefix, p, o.sequence)
			b.message.Subject, b.message.Reply, b.message.Data = lent(b.text[:to]), lent(b.text[to:]), o.data
			b.unique[0] = o.unique
			delete(b.message.Header, stream.EchoHeader)
			if o.group && o.echo {
				b.message.Header[stream.EchoHeader] = echoWanted
			}
			delete(b.message.Header, stream.LifetimeHeader)
			if o.brief {
				b.message.Header[stream.LifetimeHeader] = guestLifetime
			}
			delete(b.message.Header, stream.NewsLifetimeHeader)
			if o.member != nil && o.member.guest {
				b.message.Header[stream.NewsLifetimeHeader] = guestLifetime
			}
			delete(b.message.Header, stream.GatewayHeader)
			if o.news != "" {
				b.message.Header[stream.GatewayHeader] = []string{string(o.news)}
			}
			err := b.hubs.cfg.NATS.PublishMsg(&b.message)
			switch {
			case err == nil:
				q.sent++
				if timed(o.sequence) {
					o.published = b.hubs.tick()
				}
			case errors.Is(err, nats.ErrMaxPayload):
				b.giveUp(q, o, &lime.Reason{Code: lime.CodeValidationError, Description: "The envelope is longer than the cluster carries"})
			default: // NATS is away
				q.back(o.sequence, now)
			}
		}
	}
}

// look gives up what has waited for too long, and goes back where nothing moves.
func (b *outbox) look(now time.Time) {
	b.take()
	for p := range b.queues {
		q := &b.queues[p]
		for len(q.all) > 0 && now.Sub(q.all[0].since) > b.hubs.cfg.StoreTimeout {
			b.hubs.metrics.drop(dropNotStored)
			b.giveUp(q, q.all[0], brokerReason())
		}
		if q.stuck(now, outboxPatience) {
			b.hubs.metrics.restored.Inc()
			b.suspect(p)
			b.hubs.complaints.Warn("the log does not take messages; trying on", "no answer")
			q.back(0, now)
		}
	}
}

// pubAck is what JetStream says to a publication.
type pubAck struct {
	Error *struct {
		Code        int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
}

// answered takes what JetStream says of one envelope.
func (b *outbox) answered(msg *nats.Msg) {
	p, sequence, ok := subject.ParseAck(msg.Subject, b.prefix)
	if !ok || p >= len(b.queues) {
		b.hubs.metrics.drop(dropMalformed)
		return
	}
	q := &b.queues[p]
	o := q.find(sequence)
	if o == nil {
		return // it was published twice
	}
	now := time.Now()
	if len(msg.Data) == 0 { // no responders: the stream has no leader
		b.suspect(p)
		b.trouble(q, o, now, "the log has no leader")
		return
	}
	if bytes.Contains(msg.Data, []byte(`"error"`)) {
		var a pubAck
		if err := json.Unmarshal(msg.Data, &a); err != nil || a.Error != nil {
			what := "unreadable"
			if a.Error != nil {
				what = a.Error.Description
			}
			b.trouble(q, o, now, what)
			return
		}
	}
	if !bytes.Contains(msg.Data, []byte(`"duplicate"`)) { // that one tells of an earlier publication
		for _, e := range q.overtaken(o) {
			b.hubs.metrics.drop(dropOvertaken)
			b.giveUp(q, e, brokerReason())
		}
	}
	q.stored(o, now)
	b.hubs.metrics.stored.Inc()
	if o.published != 0 {
		b.hubs.metrics.took(stageStore, b.hubs.tick().since(o.published))
	}
	b.end(o, nil)
	if o.published != 0 {
		b.hubs.metrics.took(stageAccept, time.Since(o.since))
	}
}

// trouble notes that the log did not take an envelope for now.
func (b *outbox) trouble(q *outboxQueue, o *outgoing, now time.Time, what string) {
	b.hubs.metrics.restored.Inc()
	b.hubs.complaints.Warn("the log does not take messages; trying on", what)
	q.back(o.sequence, now)
}

func (b *outbox) giveUp(q *outboxQueue, o *outgoing, why *lime.Reason) {
	q.finish(o)
	b.end(o, why)
}

// end tells the sender what became of its envelope.
func (b *outbox) end(o *outgoing, why *lime.Reason) {
	b.hubs.budget.give(o)
	b.hubs.ended(o, why)
	o.allowance.leave()
	if o.member == nil {
		return
	}
	if o.member.stored(o, why) {
		b.touched[o.member] = struct{}{}
	}
}

// flush writes what senders were told.
func (b *outbox) flush() {
	for m := range b.touched {
		m.to.Flush()
		delete(b.touched, m)
	}
}
