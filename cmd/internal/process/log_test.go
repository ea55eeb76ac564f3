package process

import (
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/internal/config"
)

func TestLinesHaveADateAndMilliseconds(t *testing.T) {
	for _, format := range []config.LogFormat{config.LogText, config.LogJSON} {
		var out strings.Builder
		log := Logger(config.Shared{LogLevel: logrus.InfoLevel, LogFormat: format}, &out)
		at := time.Date(2031, 2, 3, 4, 5, 6, 789e6, time.UTC)
		log.WithTime(at).Info("something")
		if got := out.String(); !strings.Contains(got, "2031-02-03T04:05:06.789Z") {
			t.Errorf("%s: %q", format, got)
		}
	}
}
