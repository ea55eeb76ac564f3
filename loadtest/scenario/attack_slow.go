package scenario

import (
	"errors"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/client"
	"limegrove/loadtest/protocol"
	"limegrove/loadtest/tally"
)

// slow is clients that are sent messages, and do not read any from the middle on until the end. Who is cut off for it
// comes back, and does not read either.
type slow struct {
	*attack
	keep    protocol.Keeper // nil when messages are transient
	pace    pace
	text    string
	stalled bool
	sent    []uint32 // to each of them
	got     []tally.Stream
	missing tally.Missing
	last    time.Duration // when something has come
}

// Those who do not read are sent slowRate messages a second by slowSenders sessions, in turns: enough to fill all that
// is there for them, and less than what a session may send.
const (
	slowSenders = 4
	slowRate    = 1000
	slowSize    = 8 << 10
)

func slowSessions(attackers int) int { return slowSenders + attackers }

func newSlow(a *attack) (Scenario, error) {
	s := &slow{attack: a, text: words(slowSize), missing: tally.Missing{}}
	s.sent, s.got = make([]uint32, a.load.Attackers), make([]tally.Stream, a.load.Attackers)
	if a.load.Mode != Transient {
		if s.keep, a.count.Kept = a.say.(protocol.Keeper); !a.count.Kept {
			return nil, errors.New("this protocol keeps no messages")
		}
	}
	return s, nil
}

// Start is that of Scenario.
func (s *slow) Start(t *poll.Turn, c Course) {
	s.attack.Start(t, c)
	s.pace = newPace(slowRate, 1, c, Share{Workers: 1})
}

// Tick is that of Scenario.
func (s *slow) Tick(t *poll.Turn, now time.Duration) (next time.Duration) {
	if on := s.on(now); on != s.stalled {
		s.stalled = on
		for i := slowSenders; i < s.engine.Len(); i++ {
			s.steer(s.engine.At(i))
		}
	}
	for n, due := range s.pace.due(now) {
		s.send(t, n%slowSenders, n%len(s.sent), due)
	}
	return s.pace.after(now)
}

// steer has a client read, or not.
func (s *slow) steer(c *client.Client) {
	switch {
	case !c.InSession():
	case s.stalled:
		c.Conn().PauseRead()
	default:
		c.Conn().ResumeRead()
	}
}

// send sends the next message to one of them.
func (s *slow) send(t *poll.Turn, from, to int, due time.Duration) {
	m := protocol.Message{Stamp: protocol.Stamp{Stream: uint32(to), Number: s.sent[to], Due: due}, Text: s.text}
	sender, recipient := s.engine.At(from), s.engine.At(slowSenders+to).Number()
	say := s.say.AppendMessage
	if s.keep != nil {
		say = s.keep.AppendKept
	}
	if sender.SendBuffer(t, say(sender.Buffer(), recipient, &m)) == nil {
		s.sent[to]++
		s.count.Sent++
	}
}

// Ready is that of client.Handler.
func (s *slow) Ready(t *poll.Turn, c *client.Client) {
	s.attack.Ready(t, c)
	if s.stalled && c.Number() >= s.share.First+slowSenders {
		s.steer(c)
	}
}

// Event is that of client.Handler. What comes twice counts once.
func (s *slow) Event(t *poll.Turn, c *client.Client, e *protocol.Event, now time.Duration) {
	if i := c.Number() - s.share.First - slowSenders; e.Kind == protocol.Delivered && i >= 0 {
		switch s.got[i].Take(s.missing, uint32(i), e.Stamp.Number, s.sent[i]) {
		case tally.Twice:
			return
		case tally.Unknown:
			s.result.fail("message %d was never sent to client %s", e.Stamp.Number, name(c))
			return
		}
	}
	s.last = now
	s.attack.Event(t, c, e, now)
}

// Done is that of Scenario: what is transient, and no more there, is not waited for.
func (s *slow) Done(now time.Duration) bool {
	quiet := now - max(s.last, s.course.End)
	return s.count.Answered >= s.count.Sent || quiet > roomQuiet && !s.count.Kept || now > s.course.End+settleTime
}
