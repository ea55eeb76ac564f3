package subject

import "testing"

func TestSubjectsOfPresence(t *testing.T) {
	k := Key("org.t.@.ana%2Emaria")
	for got, want := range map[string]string{
		k.Presence():                "presence.org.t.@.ana%2Emaria",
		k.Observe():                 "to.org.t.@.ana%2Emaria._observe",
		Presences:                   "presence.>",
		ToldPrefix("inc-1"):         "edge.inc-1.told.",
		told(ToldPrefix("e"), 0, k): "edge.e.told.0." + string(k),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, n := range []uint64{0, 1, 35, 36, 1<<64 - 1} {
		sequence, key, ok := ParseTold(told(ToldPrefix("e"), n, k), ToldPrefix("e"))
		if !ok || sequence != n || key != k {
			t.Errorf("%d comes back as %d, %s, %t", n, sequence, key, ok)
		}
	}
	for _, bad := range []string{"edge.e.ctl", "edge.f.told.1.x", "edge.e.told.1", "edge.e.told.-.x", "edge.e.re.0.1"} {
		if _, _, ok := ParseTold(bad, ToldPrefix("e")); ok {
			t.Errorf("%s is taken apart", bad)
		}
	}
}

func told(prefix string, n uint64, k Key) string { return string(AppendTold(nil, prefix, n, k)) }
