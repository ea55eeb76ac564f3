package rooms

import (
	"testing"
	"time"
)

func TestShardRestsInProportionAndNotForLong(t *testing.T) {
	for turn, want := range map[time.Duration]time.Duration{
		0: 0, time.Millisecond: 2 * time.Millisecond, 6 * time.Millisecond: maxRest, time.Minute: maxRest,
	} {
		if got := restAfter(turn); got != want {
			t.Errorf("after a turn of %v it rests for %v, want %v", turn, got, want)
		}
	}
}
