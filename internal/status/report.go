package status

import "time"

// Role is what a member does.
type Role string

// The roles, as gossip has them.
const (
	Edge   Role = "edge"
	Router Role = "router"
)

// Member is what gossip tells of a member.
type Member struct {
	Incarnation string    `json:"incarnation"`
	ID          string    `json:"id"`
	Role        Role      `json:"role"`
	Zone        string    `json:"zone,omitempty"`
	Addr        string    `json:"addr,omitempty"` // of its admin pages
	Sessions    int       `json:"sessions"`
	Draining    bool      `json:"draining,omitempty"`
	Started     time.Time `json:"started"`
}

// Report is what a member tells of itself. Members of other versions read it as well: names may be added, and unknown ones
// are skipped.
type Report struct {
	Incarnation string `json:"incarnation"`
	Version     string `json:"version"`
	Draining    bool   `json:"draining,omitempty"`
	Overloaded  bool   `json:"overloaded,omitempty"`
	NATS        string `json:"nats"` // connected, or what it is doing
	Log         Log    `json:"log,omitzero"`

	Sessions    int                `json:"sessions"`
	Connections int                `json:"connections"`
	Received    Rate               `json:"received"`           // of clients
	Sent        Rate               `json:"sent"`               // to them
	Commands    float64            `json:"commands,omitempty"` // answered, a second
	Logins      float64            `json:"logins,omitempty"`   // checked, a second
	Dropped     map[string]float64 `json:"dropped,omitempty"`  // a second, by reason; none that is 0
	States      map[string]int     `json:"states,omitempty"`   // connections by state; none that is 0
	Dialects    map[string]int     `json:"dialects,omitempty"` // sessions by protocol

	Busy       float64 `json:"busy"`                 // part of the time of the busiest loop
	Processors float64 `json:"processors"`           // that the process used
	Cores      int     `json:"cores"`                // that it may use
	Lag        float64 `json:"lag,omitempty"`        // seconds, of the slowest loop
	Memory     int     `json:"memory"`               // bytes that are resident
	Queued     int     `json:"queued,omitempty"`     // bytes that wait for clients
	Lease      float64 `json:"lease,omitempty"`      // age in seconds
	RoundTrip  float64 `json:"round_trip,omitempty"` // seconds to the broker and back

	Queues       []Queue            `json:"queues,omitempty"`
	DroppedSince map[string]float64 `json:"dropped_since,omitempty"` // it began, by what has dropped it and the reason

	Busiest []Session `json:"busiest,omitempty"`
	Slowest []Session `json:"slowest,omitempty"`
	History []Sample  `json:"history,omitempty"`
}

// Log is how severe what a member logs is at least.
type Log struct {
	Level      string    `json:"level"`
	Configured string    `json:"configured,omitempty"` // by its configuration, where somebody has said something else since
	Until      time.Time `json:"until,omitzero"`       // when that ends; absent: when it is taken back
}

// Rate is a traffic, a second.
type Rate struct {
	Envelopes float64 `json:"envelopes"`
	Bytes     float64 `json:"bytes"`
}

// Session is one that stands out.
type Session struct {
	Node     string  `json:"node"`
	Edge     string  `json:"edge,omitempty"` // the incarnation
	Remote   string  `json:"remote,omitempty"`
	Over     string  `json:"over"`
	Received Rate    `json:"received"`
	Sent     Rate    `json:"sent"`
	Queued   int     `json:"queued,omitempty"` // bytes
	Slow     float64 `json:"slow,omitempty"`   // seconds
}

// weight tells who is busier: an envelope costs about as much as so many bytes.
func (s *Session) weight() float64 {
	const envelope = 1 << 10
	return s.Received.Bytes + s.Sent.Bytes + envelope*(s.Received.Envelopes+s.Sent.Envelopes)
}

// Sample is what a member, or the cluster, was like in one span of sampleSpan.
type Sample struct {
	At       int64   `json:"at"` // when it began, in seconds since 1970; a multiple of the span
	Sessions int     `json:"sessions"`
	Received float64 `json:"received"`
	Sent     float64 `json:"sent"`
	Dropped  float64 `json:"dropped"`
	Busy     float64 `json:"busy"` // of a cluster, of its busiest member
}

const (
	sampleSpan = 5 * time.Second
	samples    = 120 // that are remembered: ten minutes
)

// add makes a sample one of several members.
func (s *Sample) add(o Sample) {
	s.Sessions += o.Sessions
	s.Received += o.Received
	s.Sent += o.Sent
	s.Dropped += o.Dropped
	s.Busy = max(s.Busy, o.Busy)
}
