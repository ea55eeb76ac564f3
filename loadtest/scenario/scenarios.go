package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/client"
	"limegrove/loadtest/protocol"
)

// Scenario is what the clients of one engine do. It is made before there is an engine, which
// Attach gives it.
type Scenario interface {
	client.Handler

	// Attach gives it its engine, before any client is opened.
	Attach(e *client.Engine)
	// Prepared tells that what has to be so before Start is so, when all clients are in session.
	Prepared() bool
	// Start tells when it is to begin, soon, and how long it goes on.
	Start(t *poll.Turn, c Course)
	// Tick does what is due, and says when it wants to be called again: at the latest then.
	Tick(t *poll.Turn, now time.Duration) (next time.Duration)
	// Done tells, after the course's end, that nothing more is to be waited for.
	Done(now time.Duration) bool
	// Result is what was counted by now.
	Result() *Result
}

// Share is the part of a worker in a load.
type Share struct {
	Worker  int `json:"worker"` // from 0 on
	Workers int `json:"workers"`
	// First is the number of the worker's first client, and Pair that of its first pair.
	First int `json:"first"`
	Pair  int `json:"pair"`
	Pairs int `json:"pairs"`
	// Sender is the number of its first client that sends to a room, and Senders how many do.
	Sender  int `json:"sender"`
	Senders int `json:"senders"`
	// All is how many clients all workers have.
	All int `json:"all"`
	// Attacks says that this worker has those who attack, and no others.
	Attacks bool `json:"attacks,omitempty"`
	// Servers is how many servers the clients are spread over, as [Share.Server] has it.
	Servers int `json:"servers"`
	// Near has clients of neighbouring numbers on few servers.
	Near bool `json:"near,omitempty"`
}

// serversNear is how many servers neighbours are on, if they are to be near.
const serversNear = 4

// Server is the server of client i: the two of a pair (2n, 2n+1) are on different ones, and pairs
// begin on each in turn, so that all send and receive as much as the others.
func (s *Share) Server(i int) int {
	turn := i/2 + i%2
	groups := s.Servers / serversNear
	if !s.Near || groups < 2 {
		return turn % s.Servers
	}
	group := min(i*s.Servers/max(s.All, 1)/serversNear, groups-1)
	first, next := group*serversNear, (group+1)*serversNear
	if group == groups-1 {
		next = s.Servers
	}
	return first + turn%(next-first)
}

// Load is what all workers do together.
type Load struct {
	Pairs  int     `json:"pairs"`          // of clients that talk
	Both   bool    `json:"both,omitempty"` // both of a pair send
	Rate   float64 `json:"rate,omitempty"` // messages a second of all; 0 for a closed loop
	Window int     `json:"window"`         // in flight for each pair and direction, in a closed loop
	Size   int     `json:"size"`           // of a message's content, in bytes; a stamp at least
	Mode   Mode    `json:"mode"`
	// Senders are those of a room who publish.
	Senders int `json:"senders,omitempty"`
	// Attackers is how many attack, as the scenario counts them.
	Attackers int `json:"attackers,omitempty"`
	// Within is the time in which those who were cut off come back, each after a part of it.
	Within time.Duration `json:"within,omitempty"`
}

// Mode is what becomes of messages on their way.
type Mode string

// The modes.
const (
	Transient Mode = "transient" // delivered at most once
	Stored    Mode = "stored"    // kept until acknowledged, which the server finds out by itself
	Receipts  Mode = "receipts"  // kept until the recipient sends a receipt, which the sender gets
)

// Kind is what there is to know of a scenario before it is made.
type Kind struct {
	// Alone says that opening the clients is all of it.
	Alone bool
	// Idle says that nobody talks.
	Idle bool
	// Room says that all clients are in one room.
	Room bool
	// Disturbances is how often it disturbs where no number is given, each time for as long as it has been quiet
	// before; 0 where it never does.
	Disturbances int
	// Attackers is how many attack where no number is given; 0 where nobody does. They are in a worker of their own.
	Attackers int
	// Logins says that those who do not talk log in meanwhile, again and again.
	Logins bool

	make     maker
	sessions func(attackers int) int // that these need; nil for none
}

type maker func(p protocol.Protocol, l Load, s Share) (Scenario, error)

// Sessions is how many sessions so many attackers are, or need.
func (k *Kind) Sessions(attackers int) int {
	if k.sessions == nil {
		return 0
	}
	return k.sessions(attackers)
}

// kinds are all scenarios, by name.
var kinds = map[string]Kind{
	"ramp":  {make: newPairs, Alone: true, Idle: true},
	"hold":  {make: newPairs, Idle: true},
	"pairs": {make: newPairs},
	"room":  {make: newRoom, Room: true},
	"storm": {make: newStorm, Disturbances: 1},

	// They take some 25 seconds to come: phases are to be long.
	"half":  {make: attacked(newHalf, newLogins), Disturbances: 3, Attackers: 5000},
	"slow":  {make: attacked(newSlow, newPairs), Disturbances: 4, Attackers: 1000, sessions: slowSessions},
	"flood": {make: attacked(newFlood, newPairs), Disturbances: 6, Attackers: 1, sessions: func(n int) int { return 2 * n }},
	"commands": {
		make: attacked(newCommands, newPairs), Disturbances: 6, Attackers: 1, sessions: func(n int) int { return n },
	},
	"connect": {make: attacked(newConnect, newLogins), Disturbances: 6, Attackers: 256, Logins: true},
}

// Named returns the scenario with a name.
func Named(name string) (Kind, error) {
	k, ok := kinds[name]
	if !ok {
		return k, fmt.Errorf("there is no scenario %q, but %s", name, strings.Join(Names(), ", "))
	}
	return k, nil
}

// Names are those of all scenarios.
func Names() []string { return slices.Sorted(maps.Keys(kinds)) }

// New makes a worker's part of the scenario with a name.
func New(name string, p protocol.Protocol, l Load, s Share) (Scenario, error) {
	k, err := Named(name)
	if err != nil {
		return nil, err
	}
	return k.make(p, l, s)
}
