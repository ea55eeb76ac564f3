package presence_test

import (
	"fmt"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"limegrove/presence"
)

func TestSweepReportsWhatItRemovedBesideWhatItCouldNot(t *testing.T) {
	server := miniredis.RunT(t)
	s, err := presence.Open(presence.Config{URL: "redis://" + server.Addr()})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	const n = 50
	for i := range n {
		r := visitor(int64(i))
		r.Guest = true
		_, _, err := s.Register(t.Context(), r, false)
		check(t, err)
		if i%10 == 0 { // is not what the script expects there
			check(t, server.Set(fmt.Sprintf("lg:seen:{user%d@example.org}", i), "x"))
		}
	}
	everyone := func(presence.EdgeID) bool { return true }
	removed, err := s.Sweep(t.Context(), everyone)
	if err == nil {
		t.Error("a sweep that could not remove some gave no error")
	}
	if len(removed) != n-n/10 {
		t.Errorf("%d were reported, want %d", len(removed), n-n/10)
	}
	for i := 0; i < n; i += 10 {
		id := visitor(int64(i)).Node.Identity
		if !server.Exists("lg:{" + id.String() + "}") {
			t.Errorf("%s was removed, and is not seen", id)
		}
		server.Del("lg:seen:{" + id.String() + "}")
	}
	removed, err = s.Sweep(t.Context(), everyone)
	check(t, err)
	if len(removed) != n/10 {
		t.Errorf("a second sweep reported %d, want %d", len(removed), n/10)
	}
}
