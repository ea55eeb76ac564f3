package scenario

import (
	"errors"
	"slices"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/client"
	"limegrove/loadtest/protocol"
)

// storm is pairs, and beside them clients of the first server, whose connections are all cut at once:
// each comes back after a pause of its own, and again if it is put off.
type storm struct {
	*pairs
	begun bool
	at    time.Duration // when it was
	next  int           // the first client that was not looked at yet
	cut   Storm
}

func newStorm(p protocol.Protocol, l Load, s Share) (Scenario, error) {
	if s.Servers < 2 {
		return nil, errors.New("a storm needs a second server, for those who talk meanwhile")
	}
	of, err := newPairs(p, l, s)
	if err != nil {
		return nil, err
	}
	return &storm{pairs: of.(*pairs)}, nil
}

// Attach is that of Scenario: nobody talks who is to be cut off.
func (s *storm) Attach(e *client.Engine) {
	s.engine = e
	s.pair(choose(s.share, slices.DeleteFunc(candidates(e.Len()), func(i int32) bool { return s.stricken(e.At(int(i))) })))
}

// stricken tells whether a client is one of those that are cut off.
func (s *storm) stricken(c *client.Client) bool { return s.share.Server(c.Number()) == 0 }

var errCut = errors.New("cut off")

// Tick is that of Scenario.
func (s *storm) Tick(t *poll.Turn, now time.Duration) (next time.Duration) {
	next = s.pairs.Tick(t, now)
	if now < s.course.Begins(1) || s.next == s.engine.Len() {
		return next
	}
	if !s.begun {
		s.begun, s.at = true, now
	}
	for closed := 0; closed < cutAtATime && s.next < s.engine.Len(); s.next++ {
		if c := s.engine.At(s.next); s.stricken(c) && c.InSession() {
			s.cut.Cut++
			closed++
			c.Close(errCut)
		}
	}
	return min(next, now+cutEvery)
}

// All are cut within some tens of milliseconds, and not in one turn of the loop: what is due for others
// meanwhile would be late by it, and the servers would seem to be.
const (
	cutAtATime = 64
	cutEvery   = 500 * time.Microsecond
)

// Gone is that of client.Handler.
func (s *storm) Gone(t *poll.Turn, c *client.Client, err error) {
	if !errors.Is(err, errCut) {
		s.pairs.Gone(t, c, err)
		return
	}
	s.engine.Opening.Reopen(c, s.load.Within)
}

// Ready is that of client.Handler.
func (s *storm) Ready(_ *poll.Turn, _ *client.Client) {
	if s.begun {
		s.cut.Back++
		s.cut.All = s.engine.Now() - s.at
		s.cut.Delay.Note(s.cut.All)
	}
}

// returnTime is how long clients may take to come back.
const returnTime = time.Minute

// Done is that of Scenario.
func (s *storm) Done(now time.Duration) bool {
	return s.pairs.Done(now) && s.next == s.engine.Len() && (s.cut.Back >= s.cut.Cut || now > s.at+returnTime)
}

// Result is that of Scenario.
func (s *storm) Result() *Result {
	r := s.pairs.Result()
	r.Storm = &s.cut
	return r
}
