package load

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"limegrove/e2e/programs"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(built); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}))
}

// built is the folder of what build has built; "" when nobody has asked for it.
var built string

// build builds the programs, once for all tests.
var build = sync.OnceValues(func() (p programs.Paths, err error) {
	if built, err = os.MkdirTemp("", "load"); err != nil {
		return p, err
	}
	return programs.Build(context.Background(), built, false)
})

// short is a cluster of two edges, in a folder of the test.
func short(t *testing.T) Cluster {
	t.Helper()
	paths, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return Cluster{Programs: paths, Dir: t.TempDir(), Edges: 2, Brokers: 1, Partitions: 2, Recipients: "anyone"}
}

// TestEachMessageComesOnceAndInOrder: with many conversations at once, acknowledged
// both ways (L-MSG-11, L-NOT-03).
func TestEachMessageComesOnceAndInOrder(t *testing.T) {
	for _, receipts := range []Receipts{Pongs, Received} {
		t.Run(string(receipts), func(t *testing.T) {
			o := Throughput{
				Cluster: short(t), Pairs: 50, Rates: []int{500}, Duration: 3 * time.Second, Warmup: time.Second,
				Size: 100, Receipts: receipts, Print: t.Output(),
			}
			v, err := o.run(t.Context(), o.Rates[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Err(); err != nil {
				t.Error(err)
			}
			if v.Dispatched != v.Sent {
				t.Errorf("of %d messages %d were dispatched", v.Sent, v.Dispatched)
			}
			if receipts == Received && v.Received != v.Sent {
				t.Errorf("of %d messages %d were received", v.Sent, v.Received)
			}
		})
	}
}

// TestProcessorsAreLimitedWhereAskedFor: what /proc has is what a process was started with.
func TestProcessorsAreLimitedWhereAskedFor(t *testing.T) {
	t.Setenv("GOMAXPROCS", "3")
	for processors, want := range []string{"GOMAXPROCS=3", "GOMAXPROCS=1"} {
		t.Run(want, func(t *testing.T) {
			cfg := short(t)
			cfg.Processors = processors
			c, err := startCluster(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			for _, p := range slices.Concat(c.edges, c.routers, c.brokers) { // Redis overwrites its environment
				environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.cmd.Process.Pid))
				if err != nil {
					t.Fatal(err)
				}
				got := slices.DeleteFunc(strings.Split(string(environment), "\x00"), func(one string) bool {
					return !strings.HasPrefix(one, "GOMAXPROCS=")
				})
				if !slices.Equal(got, []string{want}) {
					t.Errorf("%s has %q", p.name, got)
				}
			}
		})
	}
}

// TestWhatWaitsIsThereForThoseWhoComeBack: many identities at once get what the sweep
// has moved to their inboxes, and that is removed then.
func TestWhatWaitsIsThereForThoseWhoComeBack(t *testing.T) {
	o := Backlog{Cluster: short(t), Identities: 200, Each: 5, Size: 100, AtOnce: 50, Print: t.Output()}
	if err := o.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestStalledClientsGetEverything: they have stopped reading for a while, and the others
// have not noticed.
func TestStalledClientsGetEverything(t *testing.T) {
	o := Stalled{Cluster: short(t), Pairs: 20, Rate: 200, Duration: 6 * time.Second, Size: 100, Print: t.Output()}
	if err := o.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestLoginStormIsAnswered: more logins than a router can check are refused soon and with
// a reason, and those in session get their messages.
func TestLoginStormIsAnswered(t *testing.T) {
	cfg := short(t)
	cfg.Processors = 1
	for _, way := range []StormWay{ToRouter, ToEdges} {
		t.Run(string(way), func(t *testing.T) {
			o := LoginStorm{
				Cluster: cfg, Pairs: 20, Rate: 100, Logins: 200, Way: way, Accounts: 10,
				Duration: 3 * time.Second, Size: 100, Print: t.Output(),
			}
			if err := o.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
