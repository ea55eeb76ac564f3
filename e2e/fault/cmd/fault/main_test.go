package main

import (
	"strings"
	"testing"
)

func TestBadCommandLineIsRefused(t *testing.T) {
	for _, args := range [][]string{{"-kinds", "flood"}, {"-nope"}} {
		var out strings.Builder
		if status := run(t.Context(), args, &out, &out); status != statusUsage || out.Len() == 0 {
			t.Errorf("%q: status %d, and it says %q", args, status, out.String())
		}
	}
}
