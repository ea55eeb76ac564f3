package workload

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"limegrove/e2e/fault/checker"
	"limegrove/e2e/fault/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// live lets a workload live on a server for a few seconds and returns the verdict.
func live(t *testing.T, s *server) *checker.Report {
	t.Helper()
	web := httptest.NewServer(s)
	defer web.Close()
	path := filepath.Join(t.TempDir(), "history.jsonl")
	recorder, err := history.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	edges := []Edge{{Name: "a", URL: "ws" + strings.TrimPrefix(web.URL, "http")}}
	edges = append(edges, Edge{Name: "b", URL: edges[0].URL})
	w := New(Config{
		Edges: edges, Domain: "localhost", Seed: 1, Identities: 40, Groups: 2, Rate: 400, Window: time.Minute, Recorder: recorder,
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.SignUp(ctx); err != nil {
		t.Fatal(err)
	}
	if err := w.Gather(ctx); err != nil {
		t.Fatal(err)
	}
	var life sync.WaitGroup
	defer life.Wait()
	defer cancel()
	life.Go(func() { w.Run(ctx) })
	if err := w.Present(ctx, 0.9); err != nil {
		t.Fatal(err)
	}
	recorder.Record(history.Event{Kind: history.Begin})
	pause(ctx, 8*time.Second) // in which most have had a mood
	settling, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	if err := w.Settle(settling); err != nil && !s.lose {
		t.Error(err)
	}
	recorder.Record(history.Event{Kind: history.End})
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := checker.Check(history.ReadFiles(path), checker.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestWorkloadOnServer(t *testing.T) {
	for _, tc := range []struct {
		name   string
		server func(s *server)
		want   checker.Class // "" for none
	}{
		{"that is as it should be", func(*server) {}, ""},
		{"that loses", func(s *server) { s.lose = true }, checker.Lost},
		{"that delivers twice", func(s *server) { s.double = true }, checker.Duplicated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newServer()
			tc.server(s)
			r := live(t, s)
			var text strings.Builder
			if _, err := r.WriteTo(&text); err != nil {
				t.Fatal(err)
			}
			t.Logf("\n%s", text.String())
			if len(s.logs["g1@groups.localhost"]) < 20 {
				t.Error("too little was sent to a group")
			}
			if r.Accepted < 1000 || r.Resent == 0 || r.Redelivered == 0 || r.Failed == 0 {
				t.Error("too little has happened")
			}
			if tc.want != "" && r.Violations[tc.want] == 0 {
				t.Errorf("%s is not reported", tc.want)
			}
			delete(r.Violations, tc.want)
			if len(r.Violations) > 0 {
				t.Errorf("there are violations: %v", r.Violations)
			}
		})
	}
}
