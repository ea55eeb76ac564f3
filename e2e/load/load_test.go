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
	"limegrove/loadtest/cluster"
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
func short(t *testing.T) cluster.Config {
	t.Helper()
	paths, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return cluster.Config{Programs: paths, Dir: t.TempDir(), Edges: 2, Brokers: 1, Partitions: 2, Recipients: "anyone"}
}

// TestProcessorsAreLimitedWhereAskedFor: what /proc has is what a process was started with.
func TestProcessorsAreLimitedWhereAskedFor(t *testing.T) {
	t.Setenv("GOMAXPROCS", "3")
	for processors, want := range []string{"GOMAXPROCS=3", "GOMAXPROCS=1"} {
		t.Run(want, func(t *testing.T) {
			cfg := short(t)
			cfg.Processors = processors
			c, err := startServers(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for _, p := range slices.Concat(c.Edges, c.Routers, c.Brokers) { // Redis overwrites its environment
				environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.PID()))
				if err != nil {
					t.Fatal(err)
				}
				got := slices.DeleteFunc(strings.Split(string(environment), "\x00"), func(one string) bool {
					return !strings.HasPrefix(one, "GOMAXPROCS=")
				})
				if !slices.Equal(got, []string{want}) {
					t.Errorf("%s has %q", p.Name, got)
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
