package bench

import "strings"

// Package is the part of a suite that is in one package.
type Package struct {
	Path string // in the module: "edge/poll"

	// Exact are benchmarks, by their names without "Benchmark", that allocate the same
	// in each run.
	Exact []string
	// Timed are those whose allocations depend on what other goroutines do meanwhile.
	Timed []string
}

// Suite is an envelope's way from socket to socket, and what each session costs
// beside it, in their order.
var Suite = []Package{
	{Path: "lime", Exact: []string{"Scan", "ScanLargeText", "ScannedMessage", "Splitter200", "AppendRewritten", "AppendNotification"}},
	{Path: "edge/poll", Exact: []string{"Wheel", "Postpone"}, Timed: []string{"Echo", "FanOut"}},
	{Path: "edge", Exact: []string{"Frame", "SessionExchange"}, Timed: []string{"Deliver"}},
	{Path: "edge/dialect/aioconnectors", Exact: []string{"FromClient", "ToClient"}},
	{Path: "edge/dialect/hightemplar", Exact: []string{"Publication"}},
	{Path: "routing/subject", Exact: []string{"AppendTo", "SplitTo", "Reply"}},
	{Path: "routing", Exact: []string{"Dispatch", "View"}, Timed: []string{"Publish", "Route", "Attach"}},
	{Path: "routing/rooms", Exact: []string{"Hear"}},
	{Path: "room", Exact: []string{"Reached"}},
	{Path: "presence", Exact: []string{"EncodeValue", "Decode"}},
}

// pattern is what -test.bench takes for names and their parts.
func pattern(names []string) string { return "^Benchmark(" + strings.Join(names, "|") + ")$" }

// matching is suite without what filter does not allow.
func matching(suite []Package, filter func(name string) bool) []Package {
	var some []Package
	for _, p := range suite {
		q := Package{Path: p.Path, Exact: filtered(p.Exact, filter), Timed: filtered(p.Timed, filter)}
		if len(q.Exact)+len(q.Timed) > 0 {
			some = append(some, q)
		}
	}
	return some
}

func filtered(names []string, filter func(string) bool) (some []string) {
	for _, name := range names {
		if filter(name) {
			some = append(some, name)
		}
	}
	return some
}
