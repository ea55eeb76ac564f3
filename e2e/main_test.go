package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"limegrove/e2e/programs"
)

// The programs that tests start, by path.
var edgeProgram, routerProgram, limeProgram, idleProgram, kioskProgram, limeGoProgram, natsProgram string

// TestMain builds the programs once, with the race detector when the tests have it.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "limegrove-e2e-")
	if err == nil {
		err = errors.Join(build(dir), playMore())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		_ = os.RemoveAll(dir) // of what is left the system disposes
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// playMore has twice as many tests run at once as there are processors, unless a flag says how
// many: much of what they do is to wait for what takes its time.
func playMore() error {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
}

func build(dir string) error {
	if err := programs.Go(context.Background(), dir, raced, "limegrove/cmd/edge", "limegrove/cmd/router", "limegrove/cmd/lime", "limegrove/e2e/idle", "limegrove/e2e/kiosk"); err != nil {
		return fmt.Errorf("build the programs: %w", err)
	}
	edgeProgram = filepath.Join(dir, "edge")
	routerProgram = filepath.Join(dir, "router")
	limeProgram = filepath.Join(dir, "lime")
	idleProgram = filepath.Join(dir, "idle")
	kioskProgram = filepath.Join(dir, "kiosk")

	driver := exec.Command("go", "build", "-C", "limego", "-o", dir+"/") // a module of its own
	driver.Stderr = os.Stderr
	if err := driver.Run(); err != nil {
		return fmt.Errorf("build the driver of lime-go: %w", err)
	}
	limeGoProgram = filepath.Join(dir, "limego")

	tool := exec.Command("../tools/build", "nats-server")
	tool.Stderr = os.Stderr
	path, err := tool.Output()
	if err != nil {
		return fmt.Errorf("build nats-server: %w", err)
	}
	natsProgram = strings.TrimSpace(string(path))
	return nil
}
