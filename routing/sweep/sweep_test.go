package sweep

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"limegrove/routing/stream"
)

func TestOnlyWhatIsUnacknowledgedMoves(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, r *redis) {
		for i := range 4 {
			s.put("rui@t", fmt.Sprint("r", i+1))
			s.put("lia@t/1", fmt.Sprint("l", i+1))
		}
		r.acknowledge("rui@t", 5)
		pass(9 * time.Second)
		if s.waiting() != "" {
			t.Errorf("%s waits before its time", s.waiting())
		}
		pass(4 * time.Second)
		if got, want := s.waiting(), "l1 l2 l3 r4 l4"; got != want {
			t.Errorf("what waits is %q, want %q", got, want)
		}
		if s.purged != 0 && len(s.inbox) == 0 {
			t.Error("the log is purged before it was copied")
		}
		pass(20 * time.Second)
		if len(s.log) != 0 || s.waiting() != "l1 l2 l3 r4 l4" {
			t.Errorf("the log still has %d, and %q waits", len(s.log), s.waiting())
		}
	})
}

func TestTheLogIsPurgedAStepAfterItWasCopied(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond, Lot: 1, PurgeLot: 1, Every: time.Second}, func(s *streams, _ *redis) {
		s.put("rui@t", "1")
		s.put("rui@t", "2")
		s.put("rui@t", "3")
		for range 40 {
			pass(time.Second)
			if int(s.purged) > len(s.inbox) {
				t.Fatalf("purged up to %d, and %q waits", s.purged, s.waiting())
			}
		}
		if s.waiting() != "1 2 3" || len(s.log) != 0 {
			t.Errorf("%q waits, and the log has %d", s.waiting(), len(s.log))
		}
	})
}

// A server that starts knows the ids of what it has stored, and no others.
func TestTheLogIsKeptAsLongAsItKnowsIds(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond, Keep: time.Minute, PurgeLot: 1}, func(s *streams, r *redis) {
		for i := range 90 { // one a second
			s.put("rui@t", fmt.Sprint(i))
			r.acknowledge("rui@t", uint64(i+1))
			pass(time.Second)
		}
		if n := len(s.log); n < 58 || n > 65 {
			t.Errorf("of one message a second for 90 s %d are kept, want those of the last minute", n)
		}
		pass(70 * time.Second)
		if n := len(s.log); n > 0 {
			t.Errorf("%d are kept for longer", n)
		}
	})
}

// What is behind is caught up with at once, and by half of the time.
func TestCatchingUpLeavesTimeToOthers(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond, Lot: 1, Every: time.Second}, func(s *streams, _ *redis) {
		s.slow = 100 * time.Millisecond
		for i := range 100 {
			s.put("rui@t", fmt.Sprint(i))
		}
		pass(12 * time.Second) // they are old enough after ten
		before := s.count()
		pass(10 * time.Second)
		if n := s.count() - before; n < 48 || n > 52 {
			t.Errorf("in 10 s %d steps of 100 ms were made, want 50", n)
		}
	})
}

func TestALeaderThatKnowsOfNothingIsNotBelieved(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		s.put("rui@t", "1")
		s.lying = true
		pass(time.Minute)
		if len(s.log) != 1 {
			t.Fatal("what was not copied is purged")
		}
		s.lying = false
		pass(5 * time.Second)
		if s.waiting() != "1" {
			t.Errorf("%q waits", s.waiting())
		}
	})
}

// A reading that is cut off in the middle has copied nothing of what came before.
func TestWhatWasReadAndNotCopiedIsReadAgain(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		for i := range 5 {
			s.put("rui@t", fmt.Sprint(i+1))
		}
		s.cutOff = 4
		pass(time.Minute)
		if len(s.log) != 5 {
			t.Errorf("of 5 messages that were not copied %d are left", len(s.log))
		}
		s.cutOff = 0
		pass(time.Minute)
		if s.waiting() != "1 2 3 4 5" {
			t.Errorf("%q waits", s.waiting())
		}
	})
}

func TestAnEmptiedRedisMakesTheSweepWait(t *testing.T) {
	sweeping(t, Config{}, func(s *streams, r *redis) {
		s.put("rui@t", "1")
		r.acknowledge("rui@t", 1)
		pass(40 * time.Second)
		s.put("rui@t", "2")
		r.acknowledge("rui@t", 2)
		pass(5 * time.Second)
		clear(r.floors)
		pass(10 * time.Second)
		r.acknowledge("rui@t", 2) // as its edge tells again
		pass(time.Minute)
		if s.waiting() != "" || len(s.log) != 0 {
			t.Errorf("%q waits though it is acknowledged, and the log has %d", s.waiting(), len(s.log))
		}
	})
}

func TestWithoutRedisOrTheLeaseNothingMoves(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, r *redis) {
		s.put("rui@t", "1")
		r.away = errors.New("away")
		pass(time.Minute)
		r.away, r.other = nil, true
		pass(time.Minute)
		if len(s.log) != 1 || s.waiting() != "" {
			t.Errorf("%q waits, and the log has %d", s.waiting(), len(s.log))
		}
		r.other = false
		pass(20 * time.Second)
		if s.waiting() != "1" {
			t.Errorf("%q waits", s.waiting())
		}
	})
}

// ages returns what the gauge says, by partition.
func ages(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		if f.GetName() == "limegrove_sweep_age_seconds" {
			for _, m := range f.GetMetric() {
				all[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return all
}

// The gauge is nought while the sweep keeps up, also when it finds nothing, grows while it
// does not, and goes with the partition.
func TestAgeTellsHowLateTheSweepIs(t *testing.T) {
	reg := prometheus.NewRegistry()
	sweeping(t, Config{Wary: time.Nanosecond, Metrics: reg, Lot: 1, Every: time.Second}, func(s *streams, r *redis) {
		want := func(what string, low, high float64) {
			t.Helper()
			if got, ok := ages(t, reg)["0"]; !ok || got < low || got > high {
				t.Errorf("%s: %v, want %v to %v", what, got, low, high)
			}
		}
		pass(time.Minute)
		want("nothing was ever stored", 0, 0)
		s.put("rui@t", "1")
		pass(time.Minute)
		want("what was stored was passed", 0, 0)
		s.broken = stream.ErrUnavailable
		s.put("rui@t", "2")
		pass(9 * time.Second)
		want("no later than it has failed for", 0, 9)
		pass(time.Minute)
		want("a message is late", 59, 70)
		s.broken = nil
		pass(2 * time.Second)
		want("it was passed", 0, 0)
		r.other = true
		pass(2 * time.Second)
		if all := ages(t, reg); len(all) != 0 {
			t.Errorf("of what another router sweeps the gauge says %v", all)
		}
	})
}

// A router that begins does not know how late it is before it has looked.
func TestAgeIsThatOfTheOldestMessageAtFirst(t *testing.T) {
	reg := prometheus.NewRegistry()
	sweeping(t, Config{Wary: time.Minute, Metrics: reg}, func(s *streams, r *redis) {
		r.other = true
		s.put("rui@t", "1")
		pass(time.Hour)
		r.other = false
		pass(10 * time.Second)
		if got := ages(t, reg)["0"]; got < 3590 || got > 3610 {
			t.Errorf("the oldest message has been late for %v, want an hour", got)
		}
	})
}

// What lasts is said again once a minute; to be wary is no failure.
func TestTroubleIsSaidOnceAMinute(t *testing.T) {
	log, said := logtest.NewNullLogger()
	count := func(level logrus.Level) (n int) {
		for _, e := range said.AllEntries() {
			if e.Level == level {
				n++
			}
		}
		return n
	}
	sweeping(t, Config{Wary: 30 * time.Second, Logger: log}, func(s *streams, _ *redis) {
		s.put("rui@t", "1")
		pass(time.Minute)
		if count(logrus.WarnLevel) != 0 || count(logrus.InfoLevel) != 2 {
			t.Errorf("the wait for floors is said by %d warnings and %d notes, want 0 and 2", count(logrus.WarnLevel), count(logrus.InfoLevel))
		}
		s.broken = stream.ErrUnavailable
		pass(10*time.Minute + 30*time.Second)
		if n := count(logrus.WarnLevel); n != 11 {
			t.Errorf("ten and a half minutes of failures are said %d times, want 11", n)
		}
		s.broken = nil
		pass(2 * time.Second)
		if n := count(logrus.InfoLevel); n != 3 {
			t.Errorf("that it goes on is said by %d notes, want 3", n)
		}
	})
}

// Where each message takes its time to be read, a lot is what can be read in a part of a
// turn's.
func TestAFarBrokerIsSweptInSmallLots(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, r *redis) {
		s.getting = 12 * time.Millisecond
		for i := range 2000 { // every second one is acknowledged, so that each is read alone
			s.put([]string{"rui@t", "lia@t"}[i%2], fmt.Sprint(i))
		}
		r.acknowledge("lia@t", 2000)
		pass(2 * time.Minute)
		if s.count() != 1000 || len(s.log) != 0 {
			t.Errorf("%d of 1000 were moved, and the log has %d", s.count(), len(s.log))
		}
	})
}
