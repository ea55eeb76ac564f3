package embedded

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
)

func TestServerLogsAtItsLevels(t *testing.T) {
	var out bytes.Buffer
	logger := logrus.New()
	logger.SetOutput(&out)
	logger.SetFormatter(&logrus.TextFormatter{DisableTimestamp: true})
	l := newNATSLog(logger.WithField("part", "nats"))
	if l.debug() {
		t.Error("debug lines are made that nobody reads")
	}
	l.Noticef("notice %d", 1)
	l.Debugf("debug %d", 2)
	l.Tracef("trace %d", 3)
	l.Warnf("warn %d", 4)
	l.Errorf("error %d", 5)
	l.Fatalf("fatal %d", 6)
	l.Fatalf("fatal %d", 7) // nobody has read the first: it must not wait
	want := []string{
		`level=warning msg="warn 4"`, `level=error msg="error 5"`, `level=error msg="fatal 6"`, `level=error msg="fatal 7"`,
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
	if text := <-l.fatal; text != "fatal 6" {
		t.Errorf("stopped by %q", text)
	}
	logger.SetLevel(logrus.DebugLevel)
	if !l.debug() || !newNATSLog(logger).debug() || newNATSLog(nil).debug() {
		t.Error("debug lines follow the logger's level")
	}
}

func TestPortTakenByAnotherIsAnErrorNotAnExit(t *testing.T) {
	first, err := runServer(NATSConfig{Dir: t.TempDir()}, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		first.Shutdown()
		first.WaitForShutdown()
	}()
	if s, err := runServer(NATSConfig{Dir: t.TempDir()}, first.Addr().(*net.TCPAddr).Port); err == nil {
		s.Shutdown()
		t.Error("two servers on one port")
	}
}
