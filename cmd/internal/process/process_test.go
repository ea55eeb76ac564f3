package process

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"limegrove/internal/version"
)

func TestVersionIsPrintedAndNothingRun(t *testing.T) {
	run := func(context.Context, []string, func(string) string, io.Writer, io.Writer) error {
		return errors.New("it ran")
	}
	for _, flag := range []string{"-version", "--version"} {
		var out, errs strings.Builder
		code := Main(run, []string{flag}, func(string) string { return "" }, &out, &errs)
		if code != 0 || out.String() != version.String()+"\n" || errs.String() != "" {
			t.Errorf("%s: %d, %q, %q", flag, code, out.String(), errs.String())
		}
	}
	var errs strings.Builder
	if code := Main(run, []string{"-version", "-x"}, func(string) string { return "" }, io.Discard, &errs); code != 1 {
		t.Errorf("-version is no flag beside others: %d, %q", code, errs.String())
	}
}
