package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/client"
	"limegrove/loadtest/tally"
)

// Result is what was counted, of one worker or of all.
type Result struct {
	Sent      int64 `json:"sent"`
	Copies    int64 `json:"copies"`    // for how many each is
	Delivered int64 `json:"delivered"` // copies, each once
	Lost      int64 `json:"lost"`      // copies sent, and not delivered when the run was over
	Twice     int64 `json:"twice"`
	Reordered int64 `json:"reordered"` // delivered for the first time behind a later one
	Unsent    int64 `json:"unsent"`    // due, but the sender had no session or its socket took no more

	Accepted   int64 `json:"accepted,omitempty"`
	Dispatched int64 `json:"dispatched,omitempty"`
	Received   int64 `json:"received,omitempty"`
	Refused    int64 `json:"refused,omitempty"` // the server has said that it will not deliver them

	Cut    int64  `json:"cut"`    // sessions that have ended
	Faults int64  `json:"faults"` // what no server may do
	Fault  string `json:"fault,omitempty"`

	// Measured is how many were delivered while it was measured, and Late, of those that were due
	// then, how late they left the generator: that is a part of the delays below.
	Measured int64        `json:"measured"`
	Late     tally.Delays `json:"late"`
	// Delays are from when a message was due.
	Delivery  tally.Delays `json:"delivery"`
	Disturbed tally.Delays `json:"disturbed"` // the same, of those due while a scenario disturbs
	// Phases are the same of each phase; none when nobody disturbs.
	Phases []tally.Delays `json:"phases,omitempty"`
	// Seconds are the same of each whole second of each phase.
	Seconds    [][]tally.Delays `json:"seconds,omitempty"`
	Acceptance tally.Delays     `json:"acceptance"`
	Receipt    tally.Delays     `json:"receipt"`

	// Backlog is how many were due and not delivered, at so many moments spread evenly over the
	// measured time.
	Backlog []int64 `json:"backlog"`

	Storm  *Storm  `json:"storm,omitempty"`
	Attack *Attack `json:"attack,omitempty"`
	Logins *Logins `json:"logins,omitempty"`
}

// Storm is how clients that were cut off have come back.
type Storm struct {
	Cut   int64         `json:"cut"`
	Back  int64         `json:"back"`
	All   time.Duration `json:"all"`   // from the cut to the last one's session, in ns
	Delay tally.Delays  `json:"delay"` // the same of each
}

func (s *Storm) add(o *Storm) *Storm {
	if s == nil || o == nil {
		return cmp.Or(s, o)
	}
	s.Cut += o.Cut
	s.Back += o.Back
	s.All = max(s.All, o.All)
	s.Delay.Add(&o.Delay)
	return s
}

// samples is how often the backlog is looked at.
const samples = 40

// Add adds another worker's.
func (r *Result) Add(o *Result) {
	for _, n := range []struct {
		to   *int64
		from int64
	}{
		{&r.Sent, o.Sent},
		{&r.Delivered, o.Delivered},
		{&r.Twice, o.Twice},
		{&r.Reordered, o.Reordered},
		{&r.Unsent, o.Unsent},
		{&r.Accepted, o.Accepted},
		{&r.Dispatched, o.Dispatched},
		{&r.Received, o.Received},
		{&r.Refused, o.Refused},
		{&r.Cut, o.Cut},
		{&r.Faults, o.Faults},
		{&r.Measured, o.Measured},
	} {
		*n.to += n.from
	}
	if r.Fault == "" {
		r.Fault = o.Fault
	}
	r.Copies = max(r.Copies, o.Copies)
	r.Lost = r.Sent*r.Copies - r.Delivered
	r.Storm = r.Storm.add(o.Storm)
	r.Attack = cmp.Or(r.Attack, o.Attack) // one worker has all attackers
	r.Logins = r.Logins.add(o.Logins)
	r.Late.Add(&o.Late)
	r.Disturbed.Add(&o.Disturbed)
	r.Delivery.Add(&o.Delivery)
	for i := range o.Phases {
		r.phase(i).Add(&o.Phases[i])
	}
	for i, phase := range o.Seconds {
		for k := range phase {
			r.second(i, k).Add(&phase[k])
		}
	}
	r.Acceptance.Add(&o.Acceptance)
	r.Receipt.Add(&o.Receipt)
	for i, n := range o.Backlog {
		if i == len(r.Backlog) {
			r.Backlog = append(r.Backlog, 0)
		}
		r.Backlog[i] += n
	}
}

// Held tells whether the rate was held: of the copies due in the measured time, less than a hundredth was added to the backlog from its first quarter to its last one.
func (r *Result) Held(due int64) bool {
	quarter := len(r.Backlog) / 4
	if quarter == 0 {
		return r.Lost == 0 && r.Unsent == 0
	}
	var first, last int64
	for i := range quarter {
		first += r.Backlog[i]
		last += r.Backlog[len(r.Backlog)-1-i]
	}
	grown := (last - first) / int64(quarter)
	return r.Unsent == 0 && grown*100 < max(due, 100)
}

// Err says what was wrong with messages and sessions, but for the time that it took.
func (r *Result) Err() error {
	if s := r.Storm; s != nil && s.Back < s.Cut {
		return fmt.Errorf("of %d clients that were cut off %d have come back", s.Cut, s.Back)
	}
	if r.Attack != nil {
		if err := r.Attack.err(); err != nil {
			return err
		}
	}
	if r.Logins != nil {
		if err := r.Logins.err(); err != nil {
			return err
		}
	}
	if r.Lost == 0 && r.Twice == 0 && r.Reordered == 0 && r.Faults == 0 && r.Cut == 0 && r.Unsent == 0 && r.Refused == 0 {
		return nil
	}
	return fmt.Errorf("of %d messages %d were lost, %d came twice, %d out of order, %d were refused, %d not sent; %d sessions ended, %d faults: %s",
		r.Sent, r.Lost, r.Twice, r.Reordered, r.Refused, r.Unsent, r.Cut, r.Faults, r.Fault)
}

// fail notes what no server may do.
func (r *Result) fail(format string, args ...any) {
	if r.Faults++; r.Fault == "" {
		r.Fault = fmt.Sprintf(format, args...)
	}
}

// phase are the delays of one phase.
func (r *Result) phase(i int) *tally.Delays {
	for len(r.Phases) <= i {
		r.Phases = append(r.Phases, tally.Delays{})
	}
	return &r.Phases[i]
}

// second are the delays of one second of a phase.
func (r *Result) second(phase, second int) *tally.Delays {
	for len(r.Seconds) <= phase {
		r.Seconds = append(r.Seconds, nil)
	}
	for len(r.Seconds[phase]) <= second {
		r.Seconds[phase] = append(r.Seconds[phase], tally.Delays{})
	}
	return &r.Seconds[phase][second]
}

// took notes how long the delivery took of what was due then.
func (r *Result) took(c *Course, due, took time.Duration) {
	phase, ok := c.counts(due)
	switch {
	case !ok:
		return
	case Disturbs(phase):
		r.Disturbed.Note(took)
	default:
		r.Delivery.Note(took)
	}
	if c.Disturbances > 0 {
		r.phase(phase).Note(took)
		if second, whole := c.second(phase, due); whole {
			r.second(phase, second).Note(took)
		}
	}
}

// gone notes that a session has ended, which nobody has wanted.
func (r *Result) gone(c *client.Client, err error) {
	if errors.Is(err, poll.ErrClosed) { // the end of the run
		return
	}
	if r.Cut++; r.Fault == "" {
		r.Fault = "client " + name(c) + ": " + err.Error()
	}
}

// sample notes the backlog at a time, if it is time for that.
func (r *Result) sample(c *Course, now time.Duration, backlog int64) {
	for len(r.Backlog) < samples {
		at := c.Measured + (c.End-c.Measured)*time.Duration(len(r.Backlog)+1)/samples
		if now < at {
			return
		}
		r.Backlog = append(r.Backlog, backlog)
	}
}
