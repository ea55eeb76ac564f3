package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"limegrove/internal/command"
)

func TestBadCommandLines(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.json")
	if err := os.WriteFile(empty, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]struct {
		status int
		says   string
	}{
		"":            {command.Usage, "FILE... is missing"},
		"-x":          {command.Usage, "-x"},
		"/nowhere":    {command.Bad, "/nowhere"},
		"main.go":     {command.Bad, "main.go"},
		empty:         {command.Bad, "no seconds"},
		"-h " + empty: {command.Good, "usage: pool FILE..."},
	} {
		var out, errs strings.Builder
		if status := run(t.Context(), strings.Fields(line), &out, &errs); status != want.status || !strings.Contains(errs.String(), want.says) || out.String() != "" {
			t.Errorf("pool %s: status %d, %s%s", line, status, out.String(), errs.String())
		}
	}
}
