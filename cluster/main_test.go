package cluster_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain looks for leaked goroutines for longer than goleak does by itself:
// memberlist's Shutdown leaves a probe that is under way to its own time limit.
func TestMain(m *testing.M) {
	code := m.Run()
	leak := goleak.Find()
	for deadline := time.Now().Add(10 * time.Second); leak != nil && time.Now().Before(deadline); {
		leak = goleak.Find()
	}
	if leak != nil && code == 0 {
		fmt.Fprintln(os.Stderr, leak)
		code = 1
	}
	os.Exit(code)
}
