package sweep

import (
	"testing"
	"time"
)

// makeAnew has the log be another, with nothing in it, whose sequences are not even above
// those of the one before.
func (s *streams) makeAnew() {
	turn.Lock()
	defer turn.Unlock()
	s.remade++
	s.log, s.end, s.purged = nil, 0, 0
}

func TestALogThatIsMadeAnewIsSweptFromItsBegin(t *testing.T) {
	sweeping(t, Config{Wary: 30 * time.Second}, func(s *streams, _ *redis) {
		s.put("rui@t", "1")
		s.put("rui@t", "2")
		pass(50 * time.Second)
		if s.waiting() != "1 2" || s.purged != 2 {
			t.Fatalf("%q waits, and the log is purged up to %d", s.waiting(), s.purged)
		}
		s.makeAnew()
		s.put("rui@t", "3")
		pass(25 * time.Second)
		if s.waiting() != "1 2" {
			t.Errorf("%q waits before the edges could tell the floors of the new log", s.waiting())
		}
		pass(25 * time.Second)
		if s.waiting() != "1 2 3" {
			t.Errorf("%q waits, want what is in the new log, too", s.waiting())
		}
		pass(20 * time.Second)
		if s.purged != 1 || len(s.log) != 0 {
			t.Errorf("the new log has %d messages and is purged up to %d", len(s.log), s.purged)
		}
	})
}
