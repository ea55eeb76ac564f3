package chat

import (
	"flag"
	"os"
	"testing"
	"time"

	"limegrove/internal/leaktest"
)

var update = flag.Bool("update", false, "write what is shown into testdata")

func TestMain(m *testing.M) {
	time.Local = time.UTC // what is shown has times
	os.Exit(leaktest.Run(m))
}
