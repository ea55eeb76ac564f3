package bench

import (
	"reflect"
	"strings"
	"testing"
)

func TestTheLeastOfSomeRunsCounts(t *testing.T) {
	got, head, err := readCosts(strings.NewReader(`# a comment
commit: 1234
machine: A, 2 processors

pkg: limegrove/lime
BenchmarkScan/size=128-2 100 61.5 ns/op 16 B/op 1 allocs/op
BenchmarkScan/size=128-2 100 60.0 ns/op 3 B/op 0 allocs/op
BenchmarkScan/size=128-8 100 60.0 ns/op 20 B/op 2 allocs/op
BenchmarkTimesAlone 100 60.0 ns/op
PASS
pkg: limegrove/edge/poll
BenchmarkEcho-2 100 60.0 ns/op 7 B/op 4 allocs/op 1.5 ns/message
`))
	if err != nil {
		t.Fatal(err)
	}
	want := costs{"limegrove/lime.Scan/size=128": {0, 3}, "limegrove/edge/poll.Echo": {4, 7}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if head["commit"] != "1234" || head["machine"] != "A, 2 processors" {
		t.Errorf("the head is %v", head)
	}
}

func TestWhatIsNoResultIsAnError(t *testing.T) {
	if _, _, err := readCosts(strings.NewReader("BenchmarkScan many 60.0 ns/op\n")); err == nil {
		t.Error("a line that cannot be read went by unseen")
	}
}

func TestOnlyARiseIsOne(t *testing.T) {
	for _, tc := range []struct {
		name         string
		base, now    costs
		rises, noted int
	}{
		{"as it was", costs{"a": {1, 64}}, costs{"a": {1, 64}}, 0, 0},
		{"one object more", costs{"a": {0, 0}}, costs{"a": {1, 8}}, 1, 0},
		{"larger objects", costs{"a": {1, 64}}, costs{"a": {1, 72}}, 1, 0},
		{"one large object each hundred operations", costs{"a": {0, 0}}, costs{"a": {0, 655}}, 1, 0},
		{"less than an object", costs{"a": {0, 0}}, costs{"a": {0, 7}}, 0, 0},
		{"fewer objects", costs{"a": {2, 64}}, costs{"a": {1, 64}}, 0, 1},
		{"smaller ones", costs{"a": {1, 64}}, costs{"a": {1, 48}}, 0, 1},
		{"fewer and larger", costs{"a": {2, 64}}, costs{"a": {1, 128}}, 1, 0},
		{"new", costs{}, costs{"a": {9, 900}}, 0, 1},
		{"not asked for", costs{"a": {1, 64}}, costs{}, 0, 0},
	} {
		rises, notes := tc.base.compare(tc.now)
		if len(rises) != tc.rises || len(notes) != tc.noted {
			t.Errorf("%s: rises %q, notes %q", tc.name, rises, notes)
		}
	}
}
