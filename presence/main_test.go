package presence

import (
	"io"
	"testing"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	LogLibrary(log)
	goleak.VerifyTestMain(m)
}
