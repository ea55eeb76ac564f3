package lime

import "slices"

// State is where a session stands. States are ordered: a session never goes
// back (L-FIN-06), which crashes a lime-go client. The zero State is an absent
// one.
type State uint8

// The states, in their order.
const (
	StateNew            State = iota + 1 // the client asks for a session
	StateNegotiating                     // encryption and compression are chosen
	StateAuthenticating                  // the client proves who it is
	StateEstablished                     // envelopes of every kind are exchanged
	StateFinishing                       // the client asks for the end
	StateFinished                        // ended as asked
	StateFailed                          // ended; the reason says why
)

var stateNames = []string{"", "new", "negotiating", "authenticating", "established", "finishing", "finished", "failed"}

// String returns the state as it is written in an envelope, "" for none.
func (s State) String() string { return nameOf(stateNames, uint8(s)) }

// MarshalText returns the name on the wire.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts any case; an unknown name is an error that matches
// ErrMalformed.
func (s *State) UnmarshalText(b []byte) error { return unmarshalName(stateNames, "state", b, s) }

// moves holds every move that a session may make; from no state at all it can
// only begin. Negotiating and authenticating go on in several turns.
var moves = [...][]State{
	0:                   {StateNew, StateFailed},
	StateNew:            {StateNegotiating, StateAuthenticating, StateEstablished, StateFailed},
	StateNegotiating:    {StateNegotiating, StateAuthenticating, StateEstablished, StateFailed},
	StateAuthenticating: {StateAuthenticating, StateEstablished, StateFailed},
	StateEstablished:    {StateFinishing, StateFinished, StateFailed},
	StateFinishing:      {StateFinished, StateFailed},
	StateFinished:       nil,
	StateFailed:         nil,
}

// CanMove tells whether a session may go from s to next.
func (s State) CanMove(next State) bool {
	return int(s) < len(moves) && slices.Contains(moves[s], next)
}

// Move returns nil when a session may go from s to next, and a *Reason that
// names both when it may not.
func (s State) Move(next State) error {
	if s.CanMove(next) {
		return nil
	}
	return NewReason(CodeSessionInvalidActionForState, "A session cannot go from %s to %s", s.orNone(), next.orNone())
}

func (s State) orNone() string {
	if s == 0 {
		return "no state"
	}
	return s.String()
}

// Ended tells whether a session in s is over: nothing is sent any more
// (L-FIN-03).
func (s State) Ended() bool { return s >= StateFinished }
