package poll

import (
	"net"
	"testing"
	"time"
)

func TestALoopIsBusyWhileItDoesNotSleep(t *testing.T) {
	inMemory(t, func(t *testing.T, f *fake, _ net.Conn) {
		busy := func() (all time.Duration) {
			f.onLoop(func(*Turn) {}) // the turn before is counted by now
			for _, l := range f.conn.loop.group.loops {
				all += time.Duration(l.stats.busy.Load())
			}
			return all
		}
		before := busy()
		time.Sleep(time.Hour)
		if n := busy() - before; n != 0 {
			t.Errorf("of an hour without anything it was busy for %v", n)
		}
		for range 3 {
			f.onLoop(func(*Turn) { time.Sleep(10 * time.Millisecond) })
			time.Sleep(time.Second)
		}
		if n := busy() - before; n != 30*time.Millisecond {
			t.Errorf("it was busy for %v", n)
		}
	})
}
