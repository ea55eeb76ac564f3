package client

import (
	"time"

	"limegrove/lime"
)

// State is where a client stands.
type State int

// The states.
const (
	StateConnecting State = iota // a server is tried
	StateOnline                  // in session
	StateWaiting                 // until the next round of tries
	StateEnded                   // for good
)

var stateNames = [...]string{"connecting", "online", "waiting", "ended"}

// String returns the state in a word.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return "unknown"
	}
	return stateNames[s]
}

// Status is how a client is.
type Status struct {
	State  State
	Server string        // the address that is tried, or that it is in session with
	Node   lime.Node     // its own; as it was assigned, once it was
	Round  int           // how many rounds of tries have failed since it was last in session
	Pause  time.Duration // until the next, in StateWaiting
	Err    error         // why the last session or try has ended; nil in StateOnline
}

// Status returns how the client is.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// is notes a change and tells of it.
func (c *Client) is(s Status) {
	c.mu.Lock()
	s.Node = c.node
	c.status = s
	c.mu.Unlock()
	if c.cfg.OnStatus != nil {
		c.cfg.OnStatus(s)
	}
}
