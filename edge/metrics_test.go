package edge

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"limegrove/edge/auth"
	"limegrove/lime"
)

func TestLoginsAreCountedByWhoseFaultItIs(t *testing.T) {
	reason := &lime.Reason{Code: lime.CodeSessionError}
	for _, row := range []struct {
		result string
		err    error
	}{
		{"granted", nil},
		{"refused", reason},
		{"refused", fmt.Errorf("login: %w", reason)},
		{"error", errors.New("no router")},
		{"error", fmt.Errorf("%w: %w", auth.ErrFault, reason)},
	} {
		m := newMetrics(nil)
		m.login(auth.SchemePlain, time.Now(), row.err)
		if n := counted(t, m.logins.WithLabelValues(string(auth.SchemePlain), row.result)); n != 1 {
			t.Errorf("%v is not counted as %s", row.err, row.result)
		}
	}
}
