package routing

import (
	"fmt"
	"runtime"
	"testing"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// heapOfMembers returns what each of n idle members of as many identities takes of the heap, with
// its hub, its texts and its places in tables, without a broker, whose part would be counted too.
func heapOfMembers(tb testing.TB, n int) float64 {
	tb.Helper()
	w := newWorld(tb)
	e := w.idleEdge("a", Config{})
	e.nc.Close()
	live := func() uint64 {
		var m runtime.MemStats
		for range 3 { // pools need two
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	for again := live(); again < before; again = live() { // what tests before this one have left goes
		before = again
	}
	for i := range n {
		node := lime.Node{Identity: lime.Identity{Name: fmt.Sprintf("0f8fad5b-d9cb-469f-a165-%012d", i), Domain: "example.org"}, Instance: "web"}
		key, err := subject.MakeKey(node.Identity)
		if err != nil {
			tb.Fatal(err)
		}
		m, err := e.join(key)
		if err != nil {
			tb.Fatal(err)
		}
		m.to, m.who, m.guest = sink{}, mustName(tb, node, "SESSIONIDOFTWENTYSIXDIGITS"), true
		if err := e.admit(m); err != nil {
			tb.Fatal(err)
		}
		m.entered()
		m.Activate()
	}
	each := (float64(live()) - float64(before)) / float64(n)
	runtime.KeepAlive(e)
	return each
}

// A third above what it is: tables grow by doubling.
const mostOfAMember = 680

func TestAnIdleMemberTakesLittle(t *testing.T) {
	each := heapOfMembers(t, 2000)
	t.Logf("%.0f bytes of the heap for each of 2,000 idle members", each)
	if each > mostOfAMember {
		t.Errorf("above %d", mostOfAMember)
	}
}

// BenchmarkIdleMember tells what an idle member takes of the heap; its time says nothing.
func BenchmarkIdleMember(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(heapOfMembers(b, 2000), "B/session")
	}
}
