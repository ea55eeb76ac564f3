package inject

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"limegrove/e2e/fault/rig"
)

// Config is what a plan is drawn from.
type Config struct {
	Seed     uint64
	Duration time.Duration // all is healed by then, but for drains that take long
	Mean     time.Duration // between two faults
	Kinds    []Kind
	// Longest bounds each fault. Default: none but the kind's own.
	Longest time.Duration
	// Partitions tells that the network can be cut.
	Partitions bool
	// Clocks tells that Redis's clock can be set.
	Clocks bool
}

// ErrNoFault is matched when a plan would have no fault.
var ErrNoFault = errors.New("there would be no fault")

// can tells whether the cluster allows a kind.
func (c Config) can(k Kind) bool {
	return (c.Partitions || !k.cuts()) && (c.Clocks || k != RedisJump)
}

// Fault is one of a plan.
type Fault struct {
	Number int
	Kind   Kind
	At     time.Duration // since the plan's start
	For    time.Duration // until it is healed; 0 when it needs no healing

	Targets []string      // processes; none for faults of a stream, whose broker shows later
	Cuts    []rig.Cut     // of kinds that cut
	Jump    time.Duration // of Redis's clock
	Delay   rig.Delay     // of the slow edge
}

func (f Fault) target() string {
	all := slices.Clone(f.Targets)
	for _, c := range f.Cuts {
		all = append(all, c.String())
	}
	if f.Jump > 0 {
		all = append(all, fmt.Sprintf("ahead by %s", f.Jump.Round(100*time.Millisecond)))
	}
	if f.Delay != (rig.Delay{}) {
		all = append(all, f.Delay.String())
	}
	return strings.Join(all, ", ")
}

// String is the fault as histories and logs have it.
func (f Fault) String() string {
	return fmt.Sprintf("%d: %s at %s for %s: %s", f.Number, f.Kind,
		f.At.Round(time.Millisecond), f.For.Round(time.Millisecond), f.target())
}

// planner draws one plan.
type planner struct {
	cfg    Config
	random *rand.Rand
	bag    []trait
	claims claims
}

// Plan draws a plan: the same for the same configuration. An error matches ErrNoFault.
func Plan(cfg Config) ([]Fault, error) {
	if !slices.ContainsFunc(cfg.Kinds, cfg.can) {
		return nil, fmt.Errorf("%w: none of the kinds can be had here (partitions %t, clocks %t)", ErrNoFault, cfg.Partitions, cfg.Clocks)
	}
	p := &planner{cfg: cfg, random: rand.New(rand.NewPCG(cfg.Seed, 2))}
	var all []Fault
	for at := p.gap(); at < cfg.Duration; at += p.gap() {
		if f, ok := p.draw(at); ok {
			f.Number = len(all) + 1
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: this seed has none in %s, with one every %s on average", ErrNoFault, cfg.Duration, cfg.Mean)
	}
	return all, nil
}

func (p *planner) gap() time.Duration {
	return time.Duration(p.random.ExpFloat64() * float64(p.cfg.Mean))
}

// draw takes the first kind from the bag that is within the bounds now.
func (p *planner) draw(at time.Duration) (Fault, bool) {
	if len(p.bag) == 0 {
		p.fill()
	}
	for i, t := range p.bag {
		f := p.fault(t, at)
		if f.At+f.For > p.cfg.Duration || !p.claims.take(p.claim(t, f)) {
			continue
		}
		p.bag = slices.Delete(p.bag, i, i+1)
		return f, true
	}
	return Fault{}, false
}

func (p *planner) fill() {
	for _, t := range traits {
		if slices.Contains(p.cfg.Kinds, t.kind) && p.cfg.can(t.kind) {
			p.bag = append(p.bag, t)
		}
	}
	p.random.Shuffle(len(p.bag), func(i, j int) { p.bag[i], p.bag[j] = p.bag[j], p.bag[i] })
}

func (p *planner) fault(t trait, at time.Duration) Fault {
	f := Fault{Kind: t.kind, At: at, For: p.between(t.least, t.most)}
	if p.cfg.Longest > 0 {
		f.For = min(f.For, max(t.least, p.cfg.Longest))
	}
	edges, brokers, routers := p.some("edge", 3), p.some("broker", 3), p.some("router", 2)
	mode := []rig.Mode{rig.Both, rig.Both, rig.OneWay, rig.Loss}[p.random.IntN(4)]
	switch t.kind {
	case EdgeKill, EdgeStop, EdgeDrain:
		f.Targets = edges[:1]
	case RouterKill, RouterStop, RouterDrain:
		f.Targets = routers[:1]
	case RoutersAway:
		f.Targets = routers
	case BrokerKill, BrokerStop, BrokerDrain:
		f.Targets = brokers[:1]
	case BrokersAll:
		f.Targets = brokers
	case RedisKill, RedisStop, RedisDrain, RedisFlush:
		f.Targets = []string{"redis"}
	case RedisJump:
		f.Targets = []string{"redis"}
		f.Jump = p.between(shortestJump, longestJump)
	case SlowEdge:
		f.Targets = []string{rig.SlowEdge}
		f.Delay.Latency = p.between(shortestDelay, longestDelay)
		f.Delay.Jitter = p.between(0, f.Delay.Latency/jitterPart)
	case CutEdgeBroker:
		f.Cuts = cut(mode, edges[0], brokers[0])
	case CutEdgeBrokers:
		f.Cuts = cut(mode, edges[0], brokers...)
	case CutEdges:
		f.Cuts = cut(mode, edges[0], edges[1])
	case CutEdgeRedis:
		f.Cuts = cut(mode, edges[0], "redis")
	case CutBroker:
		f.Cuts = cut(mode, brokers[0], brokers[1:]...)
	case LeaderKill, LeaderStep: // shows later
	}
	return f
}

// between draws a time. It draws nothing when there is but one.
func (p *planner) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(p.random.Int64N(int64(most-least)))
}

// some returns all processes of a sort in random order.
func (p *planner) some(sort string, n int) (names []string) {
	for _, i := range p.random.Perm(n) {
		names = append(names, fmt.Sprintf("%s-%d", sort, i+1))
	}
	return names
}

func cut(mode rig.Mode, from string, to ...string) (cuts []rig.Cut) {
	for _, other := range to {
		cuts = append(cuts, rig.Cut{From: from, To: other, Mode: mode})
	}
	return cuts
}
