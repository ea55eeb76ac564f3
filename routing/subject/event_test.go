package subject_test

import (
	"testing"

	"limegrove/lime"
	"limegrove/routing/subject"
)

func TestEventSubjects(t *testing.T) {
	k, err := subject.MakeKey(lime.MustParseIdentity("Ana@Example.org"))
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Event(7); got != "event.7.org.example.@.ana" {
		t.Errorf("events are stored under %s", got)
	}
	if back, ok := subject.SplitEvent(k.Event(7)); !ok || back != k {
		t.Errorf("%q, %v", back, ok)
	}
	if back, ok := subject.SplitEvent(k.EventAgain(7, 42)); !ok || back != k || k.EventAgain(7, 42) == k.EventAgain(7, 43) {
		t.Errorf("%q, %v", back, ok)
	}
	for _, other := range []string{"", "event.7", "event.7.x", "log.7.org.example.@.ana", "event.7._mark"} {
		if back, ok := subject.SplitEvent(other); ok {
			t.Errorf("%q is of %q", other, back)
		}
	}
	if p, ok := subject.EventPartitionOf(subject.EventStream(12)); !ok || p != 12 {
		t.Errorf("%d, %v", p, ok)
	}
	for _, other := range []string{"", "EVENT_", "EVENT_x", "EVENT_-1", "LOG_1"} {
		if p, ok := subject.EventPartitionOf(other); ok {
			t.Errorf("%s has the events of %d", other, p)
		}
	}
	if e, ok := subject.DeadEndpoint(subject.Dead("push")); !ok || e != "push" {
		t.Errorf("%q, %v", e, ok)
	}
}
