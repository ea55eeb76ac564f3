package scenario

import (
	"errors"
	"math/rand/v2"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/client"
	"limegrove/loadtest/protocol"
	"limegrove/loadtest/tally"
)

// pairs are clients of whom one talks to another, and all others of the engine are idle.
type pairs struct {
	say     protocol.Protocol
	keep    protocol.Keeper // nil when messages are transient
	load    Load
	share   Share
	engine  *client.Engine
	pace    pace
	course  Course
	streams []stream
	first   int // the number of the first stream, among those of all workers
	text    string

	begun   bool // in a closed loop
	revived time.Duration
	missing struct{ delivered, accepted, received tally.Missing }
	last    time.Duration // when something has come
	result  Result
}

// stream is the messages of one client for another.
type stream struct {
	from, to                      int32 // among the engine's
	sent                          uint32
	seen                          uint32 // sent, when revive has looked
	delivered, accepted, received tally.Stream
}

func newPairs(p protocol.Protocol, l Load, s Share) (Scenario, error) {
	ps := &pairs{say: p, load: l, share: s, first: s.Pair, text: filler(l.Size), result: Result{Copies: 1}}
	if l.Both {
		ps.first *= 2
	}
	if l.Mode != Transient {
		var ok bool
		if ps.keep, ok = p.(protocol.Keeper); !ok {
			return nil, errors.New("this protocol keeps no messages")
		}
		ps.text = words(l.Size)
	}
	ps.missing.delivered, ps.missing.accepted, ps.missing.received = tally.Missing{}, tally.Missing{}, tally.Missing{}
	return ps, nil
}

// filler is what a content has behind its stamp.
func filler(size int) string { return words(max(0, size-protocol.StampLen)) }

// Attach is that of Scenario.
func (p *pairs) Attach(e *client.Engine) {
	p.engine = e
	p.pair(choose(p.share, candidates(e.Len())))
}

// candidates are all of so many clients.
func candidates(clients int) []int32 {
	all := make([]int32, clients)
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

// pair makes the streams of pairs.
func (p *pairs) pair(chosen [][2]int32) {
	for _, pair := range chosen {
		from, to := pair[0], pair[1]
		if p.engine.Traits().Echo {
			to = from
		}
		p.streams = append(p.streams, stream{from: from, to: to})
		if p.load.Both {
			p.streams = append(p.streams, stream{from: to, to: from})
		}
	}
}

// choose returns the pairs of a worker among some of its clients, which it changes: neighbours when all
// of them talk, and else clients at random, on different servers where there are several.
func choose(s Share, all []int32) [][2]int32 {
	if 2*s.Pairs < len(all) {
		random := rand.New(rand.NewPCG(uint64(s.Worker), uint64(len(all))))
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	server := func(i int32) int { return s.Server(s.First + int(i)) }
	chosen := make([][2]int32, min(s.Pairs, len(all)/2))
	for n := range chosen {
		from := all[2*n]
		for k := 2*n + 1; k < len(all); k++ {
			if server(all[k]) != server(from) {
				all[2*n+1], all[k] = all[k], all[2*n+1]
				break
			}
		}
		chosen[n] = [2]int32{from, all[2*n+1]}
	}
	return chosen
}

// Prepared is that of Scenario.
func (p *pairs) Prepared() bool { return true }

// Start is that of Scenario.
func (p *pairs) Start(_ *poll.Turn, c Course) {
	p.course = c
	p.pace = newPace(p.load.Rate, float64(p.share.Pairs)/float64(max(p.load.Pairs, 1)), c, p.share)
}

// Tick is that of Scenario.
func (p *pairs) Tick(t *poll.Turn, now time.Duration) (next time.Duration) {
	if len(p.streams) > 0 {
		if p.load.Rate == 0 {
			p.begin(t, now)
			p.revive(t, now)
		}
		for n, due := range p.pace.due(now) {
			p.send(t, n%len(p.streams), due)
			if p.course.measures(due) {
				p.result.Late.Note(now - due)
			}
		}
		p.result.sample(&p.course, now, p.result.Sent+p.result.Unsent-p.result.Delivered)
	}
	return p.pace.after(now)
}

// begin begins a closed loop.
func (p *pairs) begin(t *poll.Turn, now time.Duration) {
	if p.begun || now < p.course.Start {
		return
	}
	p.begun, p.revived = true, now
	for i := range p.streams {
		p.fill(t, i, now)
	}
}

// send sends the next message of a stream.
func (p *pairs) send(t *poll.Turn, i int, due time.Duration) {
	s := &p.streams[i]
	from, to := p.engine.At(int(s.from)), p.engine.At(int(s.to)).Number()
	m := protocol.Message{Stamp: protocol.Stamp{Stream: uint32(p.first + i), Number: s.sent, Due: due}, Text: p.text}
	var envelope []byte
	if p.keep != nil {
		envelope = p.keep.AppendKept(from.Buffer(), to, &m)
	} else {
		envelope = p.say.AppendMessage(from.Buffer(), to, &m)
	}
	if err := from.SendBuffer(t, envelope); err != nil {
		p.result.Unsent++
		return
	}
	s.sent++
	p.result.Sent++
}

// Ready is that of client.Handler.
func (p *pairs) Ready(*poll.Turn, *client.Client) {}

// Gone is that of client.Handler.
func (p *pairs) Gone(_ *poll.Turn, c *client.Client, err error) { p.result.gone(c, err) }

// Event is that of client.Handler.
func (p *pairs) Event(t *poll.Turn, c *client.Client, e *protocol.Event, now time.Duration) {
	i := int(e.Stamp.Stream) - p.first
	if i < 0 || i >= len(p.streams) {
		p.result.fail("client %s is told of a stream that is not of this worker", name(c))
		return
	}
	s := &p.streams[i]
	whose := s.from
	if e.Kind == protocol.Delivered {
		whose = s.to
	}
	if c != p.engine.At(int(whose)) {
		p.result.fail("client %s is told what is for another", name(c))
		return
	}
	p.last = now
	switch e.Kind {
	case protocol.Delivered:
		p.delivered(t, i, c, e, now)
	case protocol.Accepted:
		p.note(&s.accepted, p.missing.accepted, e, s.sent, &p.result.Accepted)
		if p.course.measures(e.Stamp.Due) {
			p.result.Acceptance.Note(now - e.Stamp.Due)
		}
	case protocol.Dispatched:
		p.result.Dispatched++
	case protocol.Received:
		p.note(&s.received, p.missing.received, e, s.sent, &p.result.Received)
		if p.course.measures(e.Stamp.Due) {
			p.result.Receipt.Note(now - e.Stamp.Due)
		}
	case protocol.Failed:
		if p.result.Refused++; p.result.Fault == "" {
			p.result.Fault = string(e.Reason)
		}
	default:
		p.result.fail("client %s is told something that it has not asked for", name(c))
	}
}

// note notes that something has happened to a message.
func (p *pairs) note(s *tally.Stream, m tally.Missing, e *protocol.Event, sent uint32, count *int64) tally.Arrival {
	arrival := s.Take(m, e.Stamp.Stream, e.Stamp.Number, sent)
	switch arrival {
	case tally.Twice:
	case tally.Unknown:
		p.result.fail("message %d of stream %d was never sent", e.Stamp.Number, e.Stamp.Stream)
	default:
		*count++
	}
	return arrival
}

// delivered takes a message.
func (p *pairs) delivered(t *poll.Turn, i int, c *client.Client, e *protocol.Event, now time.Duration) {
	s := &p.streams[i]
	arrival := p.note(&s.delivered, p.missing.delivered, e, s.sent, &p.result.Delivered)
	first := arrival == tally.InOrder || arrival == tally.Reordered
	switch arrival {
	case tally.Twice:
		p.result.Twice++
	case tally.Reordered:
		p.result.Reordered++
	}
	if p.load.Mode == Receipts {
		receipt := p.keep.AppendReceipt(c.Buffer(), p.engine.At(int(s.from)).Number(), e.Stamp)
		if err := c.SendBuffer(t, receipt); err != nil {
			p.result.fail("client %s acknowledges: %v", name(c), err)
		}
	}
	if !first {
		return
	}
	p.result.took(&p.course, e.Stamp.Due, now-e.Stamp.Due)
	if p.course.measures(now) {
		p.result.Measured++
	}
	if p.load.Rate == 0 && now < p.course.End {
		p.fill(t, i, now)
	}
}

// fill has as many messages of a stream under way as its window takes, in a closed loop. What was passed
// over is not waited for.
func (p *pairs) fill(t *poll.Turn, i int, now time.Duration) {
	s := &p.streams[i]
	for s.delivered.Behind(s.sent) < uint32(p.load.Window) {
		before := s.sent
		if p.send(t, i, now); s.sent == before {
			return
		}
	}
}

// A closed loop in which nothing has come for patience goes on as if all had been lost.
const patience = time.Second

// revive begins those streams again in which all that was under way is lost.
func (p *pairs) revive(t *poll.Turn, now time.Duration) {
	if now < p.revived+patience || now >= p.course.End {
		return
	}
	p.revived = now
	for i := range p.streams {
		s := &p.streams[i]
		if s.sent > 0 && s.sent == s.seen {
			p.send(t, i, now)
		}
		s.seen = s.sent
	}
}

// What is waited for after the end: for all that was sent, and for as long as something comes.
const (
	settleTime = 30 * time.Second
	quietTime  = 3 * time.Second
	extraTime  = 200 * time.Millisecond // for what comes twice
)

// Done is that of Scenario.
func (p *pairs) Done(now time.Duration) bool {
	r := &p.result
	whole := r.Delivered >= r.Sent &&
		(p.keep == nil || r.Accepted >= r.Sent) &&
		(p.load.Mode != Receipts || r.Received >= r.Sent)
	quiet := now - max(p.last, p.course.End)
	return whole && quiet > extraTime || quiet > quietTime && p.keep == nil || now > p.course.End+settleTime
}

// Result is that of Scenario.
func (p *pairs) Result() *Result { return &p.result }
