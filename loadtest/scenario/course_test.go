package scenario

import (
	"testing"
	"time"
)

func TestPhasesTakeTurns(t *testing.T) {
	c := Course{Start: 5 * time.Second, Measured: 10 * time.Second, End: 50 * time.Second, Disturbances: 2}
	for _, moment := range []struct {
		at        time.Duration
		phase     int
		counts    bool
		disturbed bool
	}{
		{9 * time.Second, 0, false, false},
		{10 * time.Second, 0, true, false},
		{20*time.Second - 1, 0, true, false},
		{20 * time.Second, 1, true, true},
		{30*time.Second - 1, 1, true, true},
		{30 * time.Second, 2, false, false}, // what the disturbance has left
		{32500 * time.Millisecond, 2, true, false},
		{40 * time.Second, 3, true, true},
		{50*time.Second - 1, 3, true, true},
		{50 * time.Second, 0, false, false},
	} {
		phase, ok := c.counts(moment.at)
		if phase != moment.phase || ok != moment.counts || c.disturbs(moment.at) != moment.disturbed {
			t.Errorf("at %s: phase %d, counts %t, disturbed %t", moment.at, phase, ok, c.disturbs(moment.at))
		}
	}
	odd := Course{End: 5 * time.Second, Disturbances: 1} // phases of two and a half
	for at, whole := range map[time.Duration]bool{0: true, 1999 * time.Millisecond: true, 2 * time.Second: false, 2500 * time.Millisecond: true, 4600 * time.Millisecond: false} {
		if _, is := odd.second(odd.phase(at), at); is != whole {
			t.Errorf("at %s: the second is whole: %t", at, is)
		}
	}
	if n, _ := odd.second(1, 4*time.Second); n != 1 {
		t.Errorf("it is second %d", n)
	}
	quiet := Course{Measured: time.Second, End: 2 * time.Second}
	if phase, ok := quiet.counts(1500 * time.Millisecond); phase != 0 || !ok || quiet.disturbs(1500*time.Millisecond) {
		t.Errorf("where nobody disturbs: phase %d, counts %t", phase, ok)
	}
	if quiet.Begins(1) != quiet.End {
		t.Errorf("it goes on until %s", quiet.Begins(1))
	}
}
