package transfer

import (
	"os"
	"testing"

	"limegrove/internal/leaktest"
)

func TestMain(m *testing.M) { os.Exit(leaktest.Run(m)) }
