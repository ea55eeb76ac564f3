package presence

import (
	"io"
	"os"
	"testing"

	"github.com/sirupsen/logrus"

	"limegrove/internal/leaktest"
)

// go-redis's Close leaves a goroutine that tries to reach a Redis that is away to the
// end of its pause.
func TestMain(m *testing.M) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	LogLibrary(log)
	os.Exit(leaktest.Run(m))
}
