package edge

import (
	"fmt"
	"testing"

	"limegrove/lime"
)

func TestWhatManySetIsParsedOnce(t *testing.T) {
	var p presences
	const text = `{"status":"available"}`
	first, err := p.parse([]byte(text))
	must(t, err)
	if first.Status != lime.StatusAvailable {
		t.Errorf("it is %v", first)
	}
	again := []byte(text)
	if n := testing.AllocsPerRun(100, func() {
		if same, err := p.parse(again); err != nil || same != first {
			t.Errorf("%v, %v", same, err)
		}
	}); n > 0 {
		t.Errorf("it is parsed again, for %v allocations", n)
	}
}

func TestWhatIsRememberedOfPresencesIsBounded(t *testing.T) {
	var p presences
	for i := range 3 * maxPresences {
		for _, text := range []string{
			fmt.Sprintf(`{"status":"busy","message":"%d"}`, i),
			fmt.Sprintf(`{"status":"busy","priority":%d}`, i+1),
			fmt.Sprintf(`{"status":"busy"%*s}`, i, ""),
			fmt.Sprintf(`{"status":"busy"%*s}`, maxPresenceText+i, ""),
		} {
			if given, err := p.parse([]byte(text)); err != nil || given.Status != lime.StatusBusy {
				t.Fatalf("%s is %v, %v", text, given, err)
			}
		}
	}
	if _, err := p.parse([]byte(`{"status":"asleep"}`)); lime.AsReason(err) == nil {
		t.Errorf("what is none is taken: %v", err)
	}
	if len(p.all) != maxPresences {
		t.Errorf("%d are remembered, want %d", len(p.all), maxPresences)
	}
	for text, given := range p.all {
		if len(text) > maxPresenceText || given.Message != "" || given.Priority != 0 {
			t.Errorf("%s is remembered", text)
		}
	}
}
