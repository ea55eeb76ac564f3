package scenario

import (
	"errors"
	"fmt"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/client"
	"limegrove/loadtest/protocol"
)

// Attack is what those have done who attack, and what has become of it.
type Attack struct {
	Attackers int64 `json:"attackers"`
	Connected int64 `json:"connected"` // connections, or sessions, that they have begun
	Cut       int64 `json:"cut"`       // that the server has ended
	Sent      int64 `json:"sent"`      // requests, halves of them, messages or commands
	Answered  int64 `json:"answered"`  // of these: delivered, or answered as was asked for
	Refused   int64 `json:"refused"`   // of these, with a reason
	// Kept says that what was sent is kept for those who do not read, and has to be answered in the end.
	Kept bool `json:"kept,omitempty"`
}

func (a *Attack) err() error {
	switch {
	case a.Sent == 0:
		return errors.New("nobody has attacked")
	case a.Kept && a.Answered < a.Sent:
		return fmt.Errorf("of %d messages for those who did not read %d have come in the end", a.Sent, a.Answered)
	}
	return nil
}

// attack is what all attacks have in common. The attackers are in a worker of their own, so that what they do delays
// nobody else's clients; they attack in the phases of the course that are disturbed, and leave nothing of it behind.
type attack struct {
	say    protocol.Protocol
	load   Load
	share  Share
	engine *client.Engine
	course Course
	count  Attack
	result Result
}

// attacked makes what attackers do by one function, and what the others do by another.
func attacked(by func(a *attack) (Scenario, error), others maker) maker {
	return func(p protocol.Protocol, l Load, s Share) (Scenario, error) {
		if !s.Attacks {
			return others(p, l, s)
		}
		a := &attack{say: p, load: l, share: s, count: Attack{Attackers: int64(l.Attackers)}}
		a.result.Attack = &a.count
		return by(a)
	}
}

// attackTick is how often attackers come to something new.
const attackTick = time.Millisecond

// on tells whether it is time to attack.
func (a *attack) on(now time.Duration) bool { return a.course.disturbs(now) }

// errQuiet ends what is under way when it is no more time to attack.
var errQuiet = errors.New("the attack is over")

// Attach is that of Scenario.
func (a *attack) Attach(e *client.Engine) { a.engine = e }

// Prepared is that of Scenario.
func (a *attack) Prepared() bool { return true }

// Start is that of Scenario.
func (a *attack) Start(_ *poll.Turn, c Course) { a.course = c }

// Ready is that of client.Handler.
func (a *attack) Ready(*poll.Turn, *client.Client) { a.count.Connected++ }

// Gone is that of client.Handler: they come back.
func (a *attack) Gone(_ *poll.Turn, c *client.Client, err error) {
	if errors.Is(err, poll.ErrClosed) { // the end of the run
		return
	}
	if !errors.Is(err, errQuiet) {
		a.count.Cut++
	}
	a.engine.Opening.Reopen(c, 0)
}

// Event is that of client.Handler.
func (a *attack) Event(_ *poll.Turn, _ *client.Client, e *protocol.Event, _ time.Duration) {
	switch e.Kind {
	case protocol.Delivered, protocol.Answered:
		a.count.Answered++
	case protocol.Failed:
		a.count.Refused++
	}
}

// Done is that of Scenario.
func (a *attack) Done(time.Duration) bool { return true }

// Result is that of Scenario.
func (a *attack) Result() *Result { return &a.result }
