package inject

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func all(t interface{ Fatal(args ...any) }) []Kind {
	kinds, err := ParseKinds("")
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}

// plan draws a plan that has faults.
func plan(t interface{ Fatal(args ...any) }, cfg Config) []Fault {
	all, err := Plan(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPlanKeepsTheBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Seed:     rapid.Uint64().Draw(t, "seed"),
			Duration: time.Duration(rapid.IntRange(30, 600).Draw(t, "seconds")) * time.Second,
			Mean:     time.Duration(rapid.IntRange(1, 10).Draw(t, "mean")) * time.Second,
			Kinds:    all(t), Partitions: rapid.Bool().Draw(t, "partitions"),
			Clocks: rapid.Bool().Draw(t, "clocks"),
		}
		plan, err := Plan(cfg)
		if (err != nil) != (len(plan) == 0) || err != nil && !errors.Is(err, ErrNoFault) {
			t.Fatalf("%d faults, and %v", len(plan), err)
		}
		for _, f := range plan {
			if f.At+f.For > cfg.Duration {
				t.Fatalf("%s is healed after %s", f, cfg.Duration)
			}
			if f.Kind.cuts() && !cfg.Partitions || f.Kind == RedisJump && !cfg.Clocks {
				t.Fatalf("%s cannot be done", f)
			}
			if jumps := f.Kind == RedisJump; jumps != (f.Jump != 0) || jumps && (f.Jump < shortestJump || f.Jump > longestJump) {
				t.Fatalf("%s jumps by %s", f, f.Jump)
			}
			if slow := f.Kind == SlowEdge; slow != (f.Delay.Latency != 0) || slow &&
				(f.Delay.Latency < shortestDelay || f.Delay.Latency > longestDelay || f.Delay.Jitter > f.Delay.Latency/jitterPart) {
				t.Fatalf("%s is slow by %s", f, f.Delay)
			}
			brokers, edges, most := map[string]bool{}, map[string]bool{}, 1
			for _, g := range plan {
				if g.At > f.At || g.At+g.For < f.At {
					continue
				}
				harmed := slices.Clone(g.Targets)
				most = max(most, len(g.Targets))
				if g.Kind == CutBroker || g.Kind == CutEdgeBrokers {
					harmed = append(harmed, g.Cuts[0].From)
				}
				if g.Kind == LeaderKill {
					harmed = append(harmed, "broker of a stream")
				}
				for _, name := range harmed {
					brokers[name] = brokers[name] || strings.HasPrefix(name, "broker")
					// A slow edge is one that clients can go to.
					edges[name] = edges[name] || strings.HasPrefix(name, "edge") && g.Kind != SlowEdge
				}
				if g.Number != f.Number && slices.ContainsFunc(g.Targets, func(name string) bool {
					return slices.Contains(f.Targets, name)
				}) {
					t.Fatalf("%s and %s harm the same", f, g)
				}
			}
			if n := count(brokers); n > most { // brokers-all has all, and nobody else any
				t.Fatalf("with %s %d brokers are harmed", f, n)
			}
			if n := count(edges); n > 2 {
				t.Fatalf("with %s %d edges are harmed", f, n)
			}
		}
	})
}

func count(set map[string]bool) (n int) {
	for _, in := range set {
		if in {
			n++
		}
	}
	return n
}

func TestPlanIsTheSameForTheSameSeed(t *testing.T) {
	cfg := Config{Seed: 7, Duration: 10 * time.Minute, Mean: 5 * time.Second, Kinds: all(t), Partitions: true, Clocks: true}
	first, second := fmt.Sprint(plan(t, cfg)), fmt.Sprint(plan(t, cfg))
	if first != second {
		t.Error("two plans of one seed differ")
	}
	if cfg.Seed++; fmt.Sprint(plan(t, cfg)) == first {
		t.Error("plans of two seeds are the same")
	}
}

// Kinds that are added later change no plan that has none of them.
func TestSeedMeansTheSameForEver(t *testing.T) {
	first := all(t)
	first = first[:slices.Index(first, CutBroker)+1]
	all := plan(t, Config{Seed: 7, Duration: 10 * time.Minute, Mean: 5 * time.Second, Kinds: first, Partitions: true})
	const want = "86: cut-edge-brokers at 9m52.494s for 5.432s: edge-2 | broker-1, edge-2 | broker-2, edge-2 | broker-3"
	if last := all[len(all)-1].String(); last != want {
		t.Errorf("the last fault is %s; want %s", last, want)
	}
}

func TestLongPlanHasAllKinds(t *testing.T) {
	cfg := Config{Seed: 1, Duration: 10 * time.Minute, Mean: 5 * time.Second, Kinds: all(t), Partitions: true, Clocks: true}
	all := plan(t, cfg)
	for _, kind := range cfg.Kinds {
		if !slices.ContainsFunc(all, func(f Fault) bool { return f.Kind == kind }) {
			t.Errorf("there is no %s among %d faults", kind, len(all))
		}
	}
	t.Logf("%d faults", len(all))
}

func TestPlanWithoutFaultsIsAnError(t *testing.T) {
	cuts, err := ParseKinds("cut")
	if err != nil {
		t.Fatal(err)
	}
	sound := Config{Seed: 1, Duration: time.Minute, Mean: 5 * time.Second, Kinds: cuts, Partitions: true}
	plan(t, sound)
	for name, change := range map[string]func(c *Config){
		"cuts that cannot be made":      func(c *Config) { c.Partitions = false },
		"a clock that cannot be set":    func(c *Config) { c.Kinds = []Kind{RedisJump} },
		"no kinds":                      func(c *Config) { c.Kinds = nil },
		"faults that come in a century": func(c *Config) { c.Mean = 1000 * time.Hour },
		"no time for them":              func(c *Config) { c.Duration = time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := sound
			change(&cfg)
			if all, err := Plan(cfg); !errors.Is(err, ErrNoFault) {
				t.Errorf("%d faults, and %v", len(all), err)
			}
		})
	}
}

func TestKindsAreChosenByTheirBeginnings(t *testing.T) {
	for text, want := range map[string]int{"": len(traits), "redis": 5, "edge,redis-flush": 4, "cut-edge-broker": 2} {
		if kinds, err := ParseKinds(text); err != nil || len(kinds) != want {
			t.Errorf("%q is %q, %v; want %d kinds", text, kinds, err, want)
		}
	}
	if _, err := ParseKinds("edge,flood"); err == nil {
		t.Error("a kind that does not exist was taken")
	}
}
