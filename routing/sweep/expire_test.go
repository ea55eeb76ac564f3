package sweep

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What waits for a guest has less time than what lies around it.
func TestSendersHearOfWhatNoGuestCameFor(t *testing.T) {
	const lifetime = 5 * time.Minute
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		for i := range 600 {
			s.put("lia@t", fmt.Sprint("account", i))
		}
		s.putFor(lifetime, "rui@t", message("m1"))
		s.putFor(lifetime, "rui@t", `{"id":"m2","from":"ana@t/1","to":"rui@t","event":"received"}`)
		s.put("lia@t", "behind")
		pass(lifetime)
		s.putFor(lifetime, "rui@t", message("m3"))
		if s.news() != "" || !strings.Contains(s.waiting(), "m1") {
			t.Errorf("before its time its sender is told %q, and there wait %q", s.news(), s.waiting())
		}
		pass(40 * time.Second)
		if want := "log.0.t.@.ana.1>m1:41"; s.news() != want {
			t.Errorf("the sender is told %q, want %q", s.news(), want)
		}
		if s.count() != 603 || strings.Contains(s.waiting(), "m1") || !strings.Contains(s.waiting(), "m3") {
			t.Errorf("%d wait, want all but m1", s.count())
		}
		if m1, m2, other := s.ttl[600], s.ttl[601], s.ttl[602]; m1 != 2*lifetime || m2 != lifetime || other != 0 {
			t.Errorf("JetStream expires them after %v, %v and %v, want twice the time, the time, and none of its own", m1, m2, other)
		}
		walked := s.walked
		pass(lifetime)
		if n := s.walked - walked; n > 2 {
			t.Errorf("%d were walked by again, want m3 alone", n)
		}
		if want := "log.0.t.@.ana.1>m1:41 log.0.t.@.ana.1>m3:41"; s.news() != want {
			t.Errorf("then the sender is told %q, want %q", s.news(), want)
		}
	})
}

// A message that has arrived and was not deleted has not failed.
func TestWhatAGuestHasAcknowledgedIsNotGivenBack(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, r *redis) {
		s.putFor(time.Minute, "rui@t", message("m1"))
		s.putFor(time.Minute, "rui@t", message("m2"))
		pass(30 * time.Second)
		r.acknowledge("rui@t", 1)
		pass(10 * time.Minute)
		if want := "log.0.t.@.ana.1>m2:41"; s.news() != want || s.count() != 0 {
			t.Errorf("the sender is told %q, want %q; %d wait", s.news(), want, s.count())
		}
	})
}

// Whoever takes the partition does not walk by what has waited for long.
func TestTheWalkForGuestsBeginsNearTheEnd(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, r *redis) {
		for i := range 600 {
			s.put("lia@t", fmt.Sprint("account", i))
		}
		pass(time.Hour)
		s.putFor(time.Minute, "rui@t", message("m1"))
		pass(20 * time.Second)
		r.other = true
		pass(2 * time.Second)
		r.other = false
		walked := s.walked
		pass(10 * time.Minute)
		if n := s.walked - walked; n > expirePage+5 {
			t.Errorf("%d were walked by, want m1 and one page of the head", n)
		}
		if s.news() != "log.0.t.@.ana.1>m1:41" {
			t.Errorf("the sender is told %q", s.news())
		}
	})
}

// A floor goes past what a session has sent to its own identity when that is in the
// inbox; nobody has acknowledged it by that.
func TestANoteOfAGuestToItselfIsGivenBack(t *testing.T) {
	const lifetime = 5 * time.Minute
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, r *redis) {
		s.putFor(lifetime, "ana@t", message("m1")) // ana has sent it
		s.putFor(lifetime, "rui@t", message("m2"))
		pass(time.Minute)
		r.acknowledge("ana@t", 1)
		r.acknowledge("rui@t", 2)
		pass(2 * lifetime)
		if want := "log.0.t.@.ana.1>m1:41"; s.news() != want || s.waiting() != "" {
			t.Errorf("the sender is told %q, and %q waits, want %q and nothing", s.news(), s.waiting(), want)
		}
	})
}

// However much has waited for too long, what is new is swept between.
func TestExpiryLeavesTimeToTheSweep(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond, Lifetime: time.Hour, Lot: 100}, func(s *streams, _ *redis) {
		for i := range 8 * expirePage {
			s.put("rui@t", fmt.Sprint("old", i))
		}
		pass(time.Hour)
		s.removing = 200 * time.Millisecond
		for range 399 {
			s.put("rui@t", "newer")
		}
		s.put("rui@t", "new")
		left := s.count()
		for !strings.HasSuffix(s.waiting(), "new") && left > 0 {
			pass(time.Second)
			left = s.count()
		}
		if left <= expirePage {
			t.Errorf("it was swept when %d were left", left)
		}
	})
}
