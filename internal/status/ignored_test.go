package status

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestWhoIsIgnoredIsChangedByTheTokenAlone(t *testing.T) {
	w := newWorld(t)
	one := w.start("e1", Edge)
	var done []string
	one.cfg.Ignored = func(context.Context) ([]Ignored, error) {
		if len(done) == 0 {
			return nil, errors.New("Redis is away")
		}
		return []Ignored{{Peer: "ana@x", Until: time.Unix(1, 0).UTC()}}, nil
	}
	one.cfg.Ignore = func(_ context.Context, peer string, during time.Duration, by string) (Ignored, error) {
		if peer == "" {
			return Ignored{}, Refusal{http.StatusBadRequest, "that is nobody"}
		}
		done = append(done, fmt.Sprint(peer, " ", during, " ", strings.HasSuffix(by, " by e1-1")))
		return Ignored{Peer: peer}, nil
	}
	for _, tc := range []struct {
		method, path, body, token string
		code                      int
		says                      string
	}{
		{"GET", "/status/ignore", "", "", 401, "admin token"},
		{"POST", "/status/ignore", `{"peer":"ana@x","for":60}`, "", 401, "admin token"},
		{"POST", "/status/ignore/stop", `{"peer":"ana@x"}`, "", 401, "admin token"},
		{"GET", "/status/ignore", "", right, 503, "Redis is away"},
		{"POST", "/status/ignore", `{"peer":"ana@x","for":60}`, right, 202, `"peer":"ana@x"`},
		{"POST", "/status/ignore", `{"peer":"ana@x"}`, right, 400, "a number of seconds"},
		{"POST", "/status/ignore", `{"peer":"ana@x","for":1e9}`, right, 400, "a number of seconds"},
		{"POST", "/status/ignore", `{"peer":"","for":60}`, right, 400, "that is nobody"},
		{"POST", "/status/ignore/stop", `{"peer":"ana@x"}`, right, 202, `"peer":"ana@x"`},
		{"GET", "/status/ignore", "", right, 200, `{"ignored":[{"peer":"ana@x","until":"1970-01-01T00:00:01Z"}]}`},
	} {
		if code, body := one.request(tc.method, tc.path, tc.token, tc.body); code != tc.code || !strings.Contains(body, tc.says) {
			t.Errorf("%s %s %s: %d %s", tc.method, tc.path, tc.body, code, body)
		}
	}
	if got := strings.Join(done, ", "); got != "ana@x 1m0s true, ana@x 0s true" {
		t.Errorf("done is %s", got)
	}
}
