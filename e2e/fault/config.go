package fault

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"limegrove/e2e/fault/inject"
	"limegrove/e2e/fault/rig"
)

// Config is what a run is made of. Seed and the rest say what it means in the report of
// the run as well.
type Config struct {
	Programs rig.Programs
	// Dir is an existing, empty folder for the history, the logs and the stores.
	Dir string

	Seed uint64
	// Duration is how long senders send. Faults come within it but for its end, in which
	// the cluster has to be back. Default 1m.
	Duration time.Duration
	// Mean is the time between two faults on average. Default 5s.
	Mean time.Duration
	// Rate is the messages a second of all senders together. Default 200.
	Rate float64
	// Identities is how many accounts there are; one in five has three nodes. Default 120.
	Identities int
	// Kinds are the kinds of faults. Default all.
	Kinds []inject.Kind
	// Rolling, unless 0, is so many restarts of all edges, one after the other, in place
	// of faults and of Duration.
	Rolling int
	// Settle bounds the time, after the last message, in which all that was accepted has
	// to be delivered. Default 1m.
	Settle time.Duration
	// Loopback does without network namespaces.
	Loopback bool
	// Print is where people are told what is going on. Default nowhere.
	Print io.Writer
}

const (
	// window is the cluster's for duplicates. It is longer than any outage of a run, so
	// that senders may send again what was not answered.
	window = 2 * time.Minute
	// groups are as many as there are partitions but one, so that several have some.
	groups = 3
	// starting is what a cluster and its accounts may take.
	starting = 2 * time.Minute
	// calm is the end of Duration without faults, in which the service comes back: what it
	// may take for that, and some more to show that it stays.
	calm = 14 * time.Second
	// shortDrain is what a drain may take that is a fault, so that it fits between others.
	shortDrain = 15 * time.Second
	// longRun is when a run is long enough for faults of all lengths.
	longRun = 5 * time.Minute
	// longest is how long a fault is in shorter runs.
	longest = 10 * time.Second
)

// drain is what drains may take; none for the edge's default.
func (c Config) drain() time.Duration {
	if c.Rolling > 0 {
		return 0
	}
	return shortDrain
}

func (c Config) withDefaults() (Config, error) {
	if err := c.positive(); err != nil {
		return c, err
	}
	if c.Duration == 0 {
		c.Duration = time.Minute
	}
	if c.Mean == 0 {
		c.Mean = 5 * time.Second
	}
	if c.Rate == 0 {
		c.Rate = 200
	}
	if c.Identities == 0 {
		c.Identities = 120
	}
	if c.Settle == 0 {
		c.Settle = time.Minute
	}
	if c.Print == nil {
		c.Print = io.Discard
	}
	if c.Duration < calm+longest && c.Rolling == 0 {
		return c, fmt.Errorf("a run of %s is too short: the last %s are without faults", c.Duration, calm)
	}
	if c.Kinds == nil {
		var err error
		if c.Kinds, err = inject.ParseKinds(""); err != nil {
			return c, err
		}
	}
	return c, nil
}

// positive refuses numbers that nothing can be made of.
func (c Config) positive() error {
	for _, n := range []struct {
		what  string
		value float64
	}{
		{"a duration", float64(c.Duration)},
		{"a time between faults", float64(c.Mean)},
		{"a rate", c.Rate},
		{"a number of identities", float64(c.Identities)},
		{"a number of restarts", float64(c.Rolling)},
		{"a time to settle", float64(c.Settle)},
	} {
		if !(n.value >= 0 && n.value <= math.MaxInt64) { // so that NaN is refused
			return fmt.Errorf("%s of %v makes no sense", n.what, n.value)
		}
	}
	return nil
}

// Check tells why there can be no such run on this machine. Run would say the same, but
// needs the programs, and starts a cluster before it knows all.
func (c Config) Check() error {
	c, err := c.withDefaults()
	if err != nil || c.Rolling > 0 {
		return err
	}
	var why error
	if !c.Loopback {
		why = rig.CanPartition()
	}
	if _, err = c.plan(!c.Loopback && why == nil, rig.HasClock()); err != nil {
		return errors.Join(err, why)
	}
	return nil
}

// plan draws the faults of a run.
func (c Config) plan(partitions, clocks bool) ([]inject.Fault, error) {
	plan := inject.Config{
		Seed: c.Seed, Duration: c.Duration - calm, Mean: c.Mean, Kinds: c.Kinds, Partitions: partitions, Clocks: clocks,
	}
	if c.Duration < longRun {
		plan.Longest = longest
	}
	return inject.Plan(plan)
}

// String is the run as its report names it.
func (c Config) String() string {
	if c.Rolling > 0 {
		return fmt.Sprintf("seed %d, %d rolling restarts of all edges, %g messages/s", c.Seed, c.Rolling, c.Rate)
	}
	return fmt.Sprintf("seed %d, %s, a fault every %s, %g messages/s", c.Seed, c.Duration, c.Mean, c.Rate)
}
