package checker

import (
	"time"

	"limegrove/e2e/fault/history"
)

// service is how well the cluster as a whole served those who tried to send.
type service struct {
	trying bool          // some try to send
	until  time.Duration // when they ended
	last   time.Duration // when something was accepted, or the trying began
	outage time.Duration // the longest time without

	faults   bool          // there was a fault that was healed
	heal     time.Duration // when the last one was
	back     time.Duration // when messages were accepted steadily again; of use if steady
	steady   bool
	returned time.Duration // when the last client that had lost its session was back
}

func (s *service) begin(at time.Duration) { s.trying, s.last = true, at }

func (s *service) accepted(cfg Config, at time.Duration) {
	if !s.trying {
		return
	}
	if s.faults && (!s.steady || at-max(s.last, s.heal) > cfg.Pause) {
		s.steady, s.back = true, at
	}
	s.outage = max(s.outage, at-s.last)
	s.last = at
}

func (s *service) healed(at time.Duration) { s.faults, s.heal, s.steady = true, at, false }

func (s *service) quiet(cfg Config, at time.Duration) {
	s.outage = max(s.outage, at-s.last)
	s.steady = s.steady && at-s.last <= cfg.Pause
	s.trying, s.until = false, at
}

// conclude reports, and judges how soon the service was back.
func (s *service) conclude(c *checker, end history.Event) {
	r := c.report
	r.Outage = s.outage
	if !s.faults {
		return
	}
	r.SessionsBack = max(0, s.returned-s.heal)
	r.Back = s.back - s.heal
	switch heal := s.heal.Seconds(); {
	case s.trying:
		// The history has no end, which is a violation of its own.
	case !s.steady:
		r.Back = s.until - s.heal
		c.violated(Outage, end, "the last fault was healed at %.3fs, and nothing was accepted steadily until %.3fs",
			heal, s.until.Seconds())
	case r.Back > c.cfg.Back:
		c.violated(Outage, end, "the last fault was healed at %.3fs, and messages were accepted again at %.3fs",
			heal, s.back.Seconds())
	}
}
