package scenario

import (
	"errors"
	"math"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/client"
	"limegrove/loadtest/protocol"
	"limegrove/loadtest/tally"
)

// room is members of one room, some of whom publish: each message comes to all, its sender too.
type room struct {
	say    protocol.Rooms
	keep   protocol.RoomKeeper // nil when messages are transient
	load   Load
	share  Share
	engine *client.Engine
	pace   pace
	course Course
	text   string

	joined   int
	sent     []uint32 // of each sender of this worker
	accepted []tally.Stream
	got      []tally.Stream // of each member, of each sender of the room
	missing  struct{ delivered, accepted tally.Missing }
	last     time.Duration // when something has come
	result   Result
}

// theRoom is the number of the one that all are in.
const theRoom = 0

func newRoom(p protocol.Protocol, l Load, s Share) (Scenario, error) {
	say, ok := p.(protocol.Rooms)
	switch {
	case !ok:
		return nil, errors.New("this protocol has no rooms")
	case l.Rate <= 0:
		return nil, errors.New("a room needs a rate")
	case l.Senders < 1:
		return nil, errors.New("a room needs somebody who sends")
	}
	r := &room{
		say: say, load: l, share: s, text: filler(l.Size),
		sent: make([]uint32, s.Senders), accepted: make([]tally.Stream, s.Senders),
	}
	if l.Mode != Transient {
		if r.keep, ok = p.(protocol.RoomKeeper); !ok {
			return nil, errors.New("this protocol's rooms keep nothing")
		}
		r.text = words(l.Size)
	}
	r.missing.delivered, r.missing.accepted = tally.Missing{}, tally.Missing{}
	return r, nil
}

// Attach is that of Scenario.
func (r *room) Attach(e *client.Engine) {
	r.engine = e
	r.got = make([]tally.Stream, e.Len()*r.load.Senders)
}

// Ready is that of client.Handler.
func (r *room) Ready(t *poll.Turn, c *client.Client) {
	if err := c.SendBuffer(t, r.say.AppendJoin(c.Buffer(), c.Number(), theRoom)); err != nil {
		r.result.fail("client %s does not get into the room: %v", name(c), err)
	}
}

// Prepared is that of Scenario.
func (r *room) Prepared() bool { return r.joined >= r.engine.Opening.Ready }

// Start is that of Scenario.
func (r *room) Start(_ *poll.Turn, c Course) {
	r.course = c
	r.result.Copies = int64(r.share.All)
	r.pace = newPace(r.load.Rate, float64(r.share.Senders)/float64(r.load.Senders), c, r.share)
}

// Tick is that of Scenario.
func (r *room) Tick(t *poll.Turn, now time.Duration) (next time.Duration) {
	for n, due := range r.pace.due(now) {
		r.send(t, n%len(r.sent), due)
		if r.course.measures(due) {
			r.result.Late.Note(now - due)
		}
	}
	r.result.sample(&r.course, now, (r.result.Sent+r.result.Unsent)*r.result.Copies-r.result.Delivered)
	return r.pace.after(now)
}

// send publishes the next message of a sender of this worker.
func (r *room) send(t *poll.Turn, i int, due time.Duration) {
	m := protocol.Message{Stamp: protocol.Stamp{Stream: uint32(r.share.Sender + i), Number: r.sent[i], Due: due}, Text: r.text}
	from := r.engine.At(i)
	publish := r.say.AppendPublish
	if r.keep != nil {
		publish = r.keep.AppendPublishKept
	}
	if err := from.SendBuffer(t, publish(from.Buffer(), theRoom, &m)); err != nil {
		r.result.Unsent++
		return
	}
	r.sent[i]++
	r.result.Sent++
}

// Gone is that of client.Handler.
func (r *room) Gone(_ *poll.Turn, c *client.Client, err error) { r.result.gone(c, err) }

// Event is that of client.Handler.
func (r *room) Event(_ *poll.Turn, c *client.Client, e *protocol.Event, now time.Duration) {
	r.last = now
	switch e.Kind {
	case protocol.Joined:
		r.joined++
	case protocol.Delivered:
		r.delivered(c, e, now)
	case protocol.Accepted:
		r.keptOne(e, now)
	case protocol.Failed:
		if r.result.Refused++; r.result.Fault == "" {
			r.result.Fault = string(e.Reason)
		}
	case protocol.Dispatched, protocol.Received:
	default:
		r.result.fail("client %s is told something that it has not asked for", name(c))
	}
}

// delivered takes a copy. How many were sent is known of this worker's senders alone.
func (r *room) delivered(c *client.Client, e *protocol.Event, now time.Duration) {
	stream, sent := int(e.Stamp.Stream), uint32(math.MaxUint32)
	if stream >= r.load.Senders {
		r.result.fail("client %s gets what nobody has sent", name(c))
		return
	}
	if own := stream - r.share.Sender; own >= 0 && own < len(r.sent) {
		sent = r.sent[own]
	}
	i := (c.Number()-r.share.First)*r.load.Senders + stream
	switch r.got[i].Take(r.missing.delivered, uint32(i), e.Stamp.Number, sent) {
	case tally.Twice:
		r.result.Twice++
		return
	case tally.Unknown:
		r.result.fail("message %d of stream %d was never sent", e.Stamp.Number, stream)
		return
	case tally.Reordered:
		r.result.Reordered++
	}
	r.result.Delivered++
	r.result.took(&r.course, e.Stamp.Due, now-e.Stamp.Due)
	if r.course.measures(now) {
		r.result.Measured++
	}
}

// keptOne takes that a message is kept.
func (r *room) keptOne(e *protocol.Event, now time.Duration) {
	own := int(e.Stamp.Stream) - r.share.Sender
	if own < 0 || own >= len(r.sent) {
		r.result.fail("message %d of stream %d is not of this worker", e.Stamp.Number, e.Stamp.Stream)
		return
	}
	switch r.accepted[own].Take(r.missing.accepted, uint32(own), e.Stamp.Number, r.sent[own]) {
	case tally.Twice, tally.Unknown:
		return
	}
	r.result.Accepted++
	if r.course.measures(e.Stamp.Due) {
		r.result.Acceptance.Note(now - e.Stamp.Due)
	}
}

// Done is that of Scenario: what others have sent is not known here, so that all is over when nothing
// comes any more.
func (r *room) Done(now time.Duration) bool {
	return now-max(r.last, r.course.End) > roomQuiet || now > r.course.End+settleTime
}

// roomQuiet is how long nothing comes when all has.
const roomQuiet = 2 * time.Second

// Result is that of Scenario.
func (r *room) Result() *Result { return &r.result }
