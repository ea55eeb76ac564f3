package fault_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"limegrove/e2e/fault"
	"limegrove/e2e/fault/rig"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seed gives a schedule that has a fault of nearly every sort within its minute: all
// brokers, routers and edges die or stand still, an edge is cut off and another slow, a
// leader steps down, Redis is killed and emptied, and its clock jumps.
const seed = 19415

// TestClusterKeepsItsPromisesUnderFaults is the short form of `make fault`.
func TestClusterKeepsItsPromisesUnderFaults(t *testing.T) {
	dir, err := os.MkdirTemp("", "limegrove-fault-") //nolint:usetesting // it outlives a bad run
	if err != nil {
		t.Fatal(err)
	}
	paths, err := rig.Build(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	report, err := fault.Run(t.Context(), fault.Config{
		Programs: paths, Dir: dir, Seed: seed, Duration: time.Minute, Mean: 3 * time.Second, Identities: 100,
		Settle: time.Minute, Print: t.Output(),
	})
	if err != nil {
		t.Fatalf("%v; the logs are in %s", err, dir)
	}
	var text bytes.Buffer
	if _, err := report.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &text)
	if report.Grouped < 100 {
		t.Errorf("%d messages to groups prove little", report.Grouped)
	}
	if !report.Good() {
		t.Fatalf("a promise was broken; the history and the logs are in %s", dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

func TestRunThatIsTooShortForItsFaultsIsRefused(t *testing.T) {
	_, err := fault.Run(t.Context(), fault.Config{Dir: t.TempDir(), Duration: 10 * time.Second})
	if err == nil {
		t.Error("it was begun")
	}
	if _, err := fault.Run(t.Context(), fault.Config{Dir: filepath.Join(t.TempDir(), "missing")}); err == nil {
		t.Error("a run without a folder was begun")
	}
}
