package cluster_test

import (
	"os"
	"testing"

	"limegrove/internal/leaktest"
)

// memberlist's Shutdown leaves a probe that is under way to its own time limit.
func TestMain(m *testing.M) { os.Exit(leaktest.Run(m)) }
