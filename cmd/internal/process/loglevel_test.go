package process

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/internal/config"
)

func TestALevelThatIsSaidGoesBeforeTheConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		cfg := config.Shared{LogLevel: logrus.InfoLevel, LogFormat: config.LogJSON}
		log := Logger(cfg, &out)
		l := NewLevel(log, cfg)
		is := func(level, configured string, until time.Duration) {
			t.Helper()
			s := l.State()
			left := time.Duration(0)
			if !s.Until.IsZero() {
				left = time.Until(s.Until)
			}
			if s.Level != level || s.Configured != configured || left != until || log.GetLevel().String() != level {
				t.Errorf("it is %+v, %s left, %s", s, left, log.GetLevel())
			}
		}
		say := func(level string, during time.Duration) {
			t.Helper()
			if err := l.Say(level, during, "ana"); err != nil {
				t.Error(err)
			}
		}
		is("info", "", 0)
		say("debug", time.Minute)
		is("debug", "info", time.Minute)
		for _, none := range []string{"loud", "fatal", "panic"} {
			if err := l.Say(none, 0, "ana"); err == nil {
				t.Errorf("%s is a level", none)
			}
		}

		// A configuration that is read again waits for its turn.
		cfg.LogLevel = logrus.WarnLevel
		time.Sleep(30 * time.Second)
		l.Configure(cfg)
		is("debug", "warning", 30*time.Second)
		time.Sleep(31 * time.Second)
		synctest.Wait()
		is("warning", "", 0)

		// What is said later goes before what was.
		say("debug", time.Minute)
		say("error", 0)
		is("error", "warning", 0)
		time.Sleep(time.Hour)
		synctest.Wait()
		is("error", "warning", 0)
		say("", 0)
		is("warning", "", 0)
		say("", 0) // which does nothing

		for text, n := range map[string]int{
			"somebody has the log be of another level": 3, "the time of the log's other level is over": 1,
			"somebody has the log keep to the configuration again": 1, "the log keeps the level": 1, `"remote":"ana"`: 6,
		} {
			if got := strings.Count(out.String(), text); got != n {
				t.Errorf("%q stands there %d times, want %d, in\n%s", text, got, n, &out)
			}
		}
	})
}
