package poll

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A wheel does what a list of deadlines does, to a tick.
func TestWheelFiresEachDeadlineOnceAndInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1000, 0)
		w := &wheel{start: now}
		conns := make([]*Conn, 8)
		deadlines := make(map[*Conn]time.Time)
		for i := range conns {
			conns[i] = new(Conn)
		}
		spans := rapid.OneOf(rapid.Int64Range(0, 300), rapid.Int64Range(0, 200_000))
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				c := rapid.SampledFrom(conns).Draw(t, "conn")
				at := now.Add(time.Duration(spans.Draw(t, "ms")) * time.Millisecond)
				w.set(c, at)
				deadlines[c] = at
			},
			"remove": func(t *rapid.T) {
				c := rapid.SampledFrom(conns).Draw(t, "conn")
				w.set(c, time.Time{})
				delete(deadlines, c)
			},
			"end": func(t *rapid.T) {
				c := rapid.SampledFrom(conns).Draw(t, "conn")
				w.unlink(c)
				c.timer.deadline = 0
				delete(deadlines, c)
			},
			"pass": func(t *rapid.T) {
				now = now.Add(time.Duration(spans.Draw(t, "ms")) * time.Millisecond)
				for _, c := range w.advance(now, nil) {
					at, ok := deadlines[c]
					if !ok || now.Before(at) {
						t.Fatalf("fires %v before its time, set: %v", at.Sub(now), ok)
					}
					c.timer.deadline = 0
					delete(deadlines, c)
				}
			},
			"": func(t *rapid.T) {
				for _, at := range deadlines {
					if now.Sub(at) >= tick {
						t.Fatalf("a deadline is %v late", now.Sub(at))
					}
					if next := w.next(); next.IsZero() || next.After(at.Add(tick)) {
						t.Fatalf("sleeps until %v over a deadline at %v", next, at)
					}
				}
			},
		})
	})
}

func TestWheelWithoutDeadlinesSleepsForEver(t *testing.T) {
	w := &wheel{start: time.Now()}
	c := new(Conn)
	w.set(c, w.start.Add(time.Second))
	w.unlink(c)
	if next := w.next(); !next.IsZero() {
		t.Errorf("sleeps until %v", next)
	}
}
