package config

import (
	"slices"
	"strings"
	"testing"
)

func TestTheFlagsOfTheStreamsAreThoseThatDiffer(t *testing.T) {
	flags := []string{
		"-events message.absent,session.ended", "-duplicate-window 1m30s", "-message-lifetime 48h0m0s", "-inbox-limit 7",
		"-log-bytes 1073741824", "-inbox-bytes 2147483648",
		"-events-age 24h0m0s", "-events-bytes 33554432",
	}
	for n := range len(flags) + 1 {
		given := flags[:n]
		words := append(strings.Fields(strings.Join(given, " ")), "-partitions", "16", "-max-rate", "7")
		if got := mustParseEdge(t, nil, words...).StreamFlags(); !slices.Equal(got, given) {
			t.Errorf("%q: %q", words, got)
		}
	}
}
