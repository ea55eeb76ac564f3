// Package leaktest looks for goroutines that a package's tests have left behind. It
// looks for longer than goleak does by itself: some libraries' goroutines notice that
// they are to end only when a sleep or a time limit of theirs is over.
package leaktest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is longer than memberlist's longest probe and go-redis's pause between two
// tries to connect.
const patience = 10 * time.Second

// Run runs the tests and returns the code to exit with, for TestMain. A goroutine that
// is still there after some seconds is a failure.
func Run(m *testing.M) int {
	code := m.Run()
	leak := goleak.Find()
	for deadline := time.Now().Add(patience); leak != nil && time.Now().Before(deadline); {
		leak = goleak.Find() // which waits, too
	}
	if leak != nil && code == 0 {
		// Nobody would hear of an error.
		_, _ = fmt.Fprintln(os.Stderr, leak)
		code = 1
	}
	return code
}
