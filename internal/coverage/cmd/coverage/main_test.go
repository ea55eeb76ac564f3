package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"limegrove/internal/coverage"
)

func TestTableIsPrintedAndMended(t *testing.T) {
	const number = "L" + "-ADR-01"
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(coverage.Page, "| "+number+" | three parts | yes | |\n")
	write("lime/x_test.go", "package lime\n\nfunc TestX() {} // "+number+"\n")

	var out strings.Builder
	err := run([]string{"-root", root}, &out)
	if err == nil || !strings.Contains(err.Error(), coverage.Mend) || !strings.Contains(out.String(), "LIME has 1 statement: 1 served") {
		t.Errorf("%v, with %s", err, &out)
	}
	for _, args := range [][]string{{"-w", "-root", root}, {"-root", root}} {
		if err := run(args, &out); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
	page, err := os.ReadFile(filepath.Join(root, coverage.Page))
	if want := "| " + number + " | three parts | yes | `lime.TestX` |\n"; err != nil || string(page) != want {
		t.Errorf("the page is %q, %v", page, err)
	}
	if run([]string{"-root", t.TempDir()}, &out) == nil || run([]string{"-x"}, &out) == nil {
		t.Error("no table or an unknown flag is no error")
	}
}
