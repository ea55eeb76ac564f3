package process

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"limegrove/internal/config"
)

func TestSecretsOnTheCommandLineAreWarnedOf(t *testing.T) {
	const token, key = "0123456789abcdef-token", "aHVudGVyMmh1bnRlcjJodW50ZXIyISEh"
	warned := func(args []string, env map[string]string) string {
		t.Helper()
		_, s, err := config.ReadEdge(args, func(name string) string { return env[name] }, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		var to bytes.Buffer
		log := logrus.New()
		log.SetOutput(&to)
		WarnOfExposed(log, s)
		return to.String()
	}
	if line := warned(nil, map[string]string{"LIMEGROVE_ADMIN_TOKEN": token}); line != "" {
		t.Errorf("a token from the environment is warned of: %s", line)
	}
	line := warned([]string{"-gossip-key", key, "-admin-token", token}, nil)
	if !strings.Contains(line, `flags="-admin-token -gossip-key"`) || strings.Contains(line, token) || strings.Contains(line, key) {
		t.Errorf("it is warned by %s", line)
	}
}
