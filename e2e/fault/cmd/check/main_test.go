package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"limegrove/internal/command"
)

const sound = `{"at":0,"event":"begin"}
{"at":1,"event":"established","session":"ana#1","node":"ana@t/1"}
{"at":2,"event":"asked","session":"ana#1","text":"available"}
{"at":3,"event":"present","session":"ana#1","text":"available"}
{"at":4,"event":"sent","session":"ana#1","id":"1","to":"ana@t/1","seq":1}
{"at":5,"event":"accepted","session":"ana#1","id":"1"}
`

const delivered = `{"at":6,"event":"delivered","session":"ana#1","id":"1","from":"ana@t/1","to":"ana@t/1","sender":"ana@t/1","seq":1}
`

const end = `{"at":7,"event":"quiet"}
{"at":8,"event":"end"}
`

func TestStatusIsTheVerdict(t *testing.T) {
	for _, tc := range []struct {
		name, history string
		status        int
		prints        string
	}{
		{"sound", sound + delivered + end, command.Good, "verdict        good"},
		{"lost", sound + end, command.Bad, "lost           1"},
		{"no history", "not JSON", command.Usage, "line 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history.jsonl")
			if err := os.WriteFile(path, []byte(tc.history), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if status := run([]string{path}, &out, &out); status != tc.status || !strings.Contains(out.String(), tc.prints) {
				t.Errorf("status %d, want %d, with %q in:\n%s", status, tc.status, tc.prints, out.String())
			}
		})
	}
	if status := run(nil, new(strings.Builder), new(strings.Builder)); status != command.Usage {
		t.Errorf("without a file the status is %d", status)
	}
}
