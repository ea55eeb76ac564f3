package inject

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is a kind of fault.
type Kind string

// The kinds. To stop is SIGSTOP, and SIGCONT later; to drain is SIGTERM, and a start when
// the process has ended; to kill is SIGKILL, and a start later.
const (
	EdgeKill    Kind = "edge-kill"
	EdgeStop    Kind = "edge-stop"
	EdgeDrain   Kind = "edge-drain"
	RouterKill  Kind = "router-kill"
	RouterStop  Kind = "router-stop"
	RouterDrain Kind = "router-drain"
	RoutersAway Kind = "routers-away" // all are killed
	BrokerKill  Kind = "broker-kill"
	BrokerStop  Kind = "broker-stop"
	BrokerDrain Kind = "broker-drain"
	BrokersAll  Kind = "brokers-all" // all are killed at once
	LeaderKill  Kind = "leader-kill" // the broker that leads a stream
	LeaderStep  Kind = "leader-step" // it hands the stream over
	RedisKill   Kind = "redis-kill"  // it comes back empty
	RedisStop   Kind = "redis-stop"
	RedisDrain  Kind = "redis-drain" // it comes back empty
	RedisFlush  Kind = "redis-flush"

	CutEdgeBroker  Kind = "cut-edge-broker"  // an edge from one broker
	CutEdgeBrokers Kind = "cut-edge-brokers" // an edge from all brokers
	CutEdges       Kind = "cut-edges"        // an edge from another
	CutEdgeRedis   Kind = "cut-edge-redis"
	CutBroker      Kind = "cut-broker" // a broker from the others

	RedisJump Kind = "redis-jump" // its clock jumps forward, and back later
	SlowEdge  Kind = "slow-edge"  // what an edge exchanges with brokers and Redis is delayed
)

// trait is what a kind needs to be planned.
type trait struct {
	kind        Kind
	least, most time.Duration // until it is healed; 0 when it needs no healing
	rest        time.Duration // until what it harmed may be harmed again
	takes       time.Duration // what it takes to begin, at most
}

// traits are in an order of their own, so that a seed means the same for ever: new ones
// come last.
var traits = []trait{
	{EdgeKill, 500 * time.Millisecond, 5 * time.Second, 3 * time.Second, 0},
	{EdgeStop, 3 * time.Second, 15 * time.Second, 3 * time.Second, 0},
	{EdgeDrain, 200 * time.Millisecond, 2 * time.Second, 3 * time.Second, drainTime},
	{RouterKill, 500 * time.Millisecond, 5 * time.Second, 2 * time.Second, 0},
	{RouterStop, 3 * time.Second, 15 * time.Second, 2 * time.Second, 0},
	{RouterDrain, 200 * time.Millisecond, 2 * time.Second, 2 * time.Second, drainTime},
	{RoutersAway, 5 * time.Second, 60 * time.Second, 2 * time.Second, 0},
	{BrokerKill, time.Second, 8 * time.Second, 6 * time.Second, 0},
	{BrokerStop, 3 * time.Second, 15 * time.Second, 6 * time.Second, 0},
	{BrokerDrain, 200 * time.Millisecond, 2 * time.Second, 6 * time.Second, drainTime},
	{BrokersAll, 500 * time.Millisecond, 3 * time.Second, 8 * time.Second, 0},
	{LeaderKill, time.Second, 8 * time.Second, 6 * time.Second, 0},
	{LeaderStep, 0, 0, 2 * time.Second, 0},
	{RedisKill, 500 * time.Millisecond, 6 * time.Second, 3 * time.Second, 0},
	{RedisStop, 3 * time.Second, 15 * time.Second, 3 * time.Second, 0},
	{RedisDrain, 200 * time.Millisecond, 2 * time.Second, 3 * time.Second, 0},
	{RedisFlush, 0, 0, 3 * time.Second, 0},
	{CutEdgeBroker, 3 * time.Second, 15 * time.Second, 3 * time.Second, 0},
	{CutEdgeBrokers, 3 * time.Second, 15 * time.Second, 3 * time.Second, 0},
	{CutEdges, 3 * time.Second, 15 * time.Second, 3 * time.Second, 0},
	{CutEdgeRedis, 3 * time.Second, 15 * time.Second, 3 * time.Second, 0},
	{CutBroker, 3 * time.Second, 15 * time.Second, 6 * time.Second, 0},
	{RedisJump, 3 * time.Second, 15 * time.Second, 3 * time.Second, 0},
	{SlowEdge, 3 * time.Second, 15 * time.Second, 3 * time.Second, 0},
}

// drainTime is what a process takes at most to end when it is asked to, as plans have it.
const drainTime = 20 * time.Second

// patience is what it may take until it is killed, which is a violation then. With the
// servers away the time-outs of an edge's goodbyes come on top of its -drain-timeout.
const patience = 2 * drainTime

// cuts tells whether the kind needs a network that can be cut.
func (k Kind) cuts() bool { return strings.HasPrefix(string(k), "cut-") }

// Redis's clock jumps by more than any lease lasts, so that all have run out at once. Those
// made meanwhile last for as much longer when it jumps back, until they are renewed.
const (
	shortestJump = 15 * time.Second
	longestJump  = 60 * time.Second
)

// A slow edge's delay, each way, and the part of it by which it varies at most.
const (
	shortestDelay = 20 * time.Millisecond
	longestDelay  = 250 * time.Millisecond
	jitterPart    = 2
)

// ParseKinds reads a list of kinds, or of what kinds begin with: "edge,redis-flush". The
// empty text stands for all.
func ParseKinds(text string) (kinds []Kind, err error) {
	for one := range strings.SplitSeq(text, ",") {
		found := false
		for _, t := range traits {
			if strings.HasPrefix(string(t.kind), strings.TrimSpace(one)) {
				found = true
				if !slices.Contains(kinds, t.kind) {
					kinds = append(kinds, t.kind)
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("no kind of fault begins with %q", one)
		}
	}
	return kinds, nil
}
