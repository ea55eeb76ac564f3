package lime

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
