package table

import (
	"math"

	"limegrove/loadtest/measure"
	"limegrove/loadtest/tally"
)

// Figure is one number that a report tells.
type Figure struct {
	Name string
	Unit Unit
	Of   func(r *measure.Report) float64 // NaN or infinite when it is not there
}

// Text is the number of a report, with its unit.
func (f Figure) Text(r *measure.Report) string { return f.Unit.Text(f.Of(r)) }

// used is the CPU time of groups in seconds; NaN when there are none.
func used(costs []measure.Cost, of Who) float64 {
	seconds, known := 0.0, false
	for _, c := range costs {
		if of(c.Group) {
			seconds += c.CPU.Seconds()
			known = true
		}
	}
	if !known {
		return math.NaN()
	}
	return seconds
}

// Memory is what groups have taken for each session since there was none.
func Memory(name string, of Who) Figure {
	return Figure{name, Bytes, func(r *measure.Report) float64 { return taken(r.Settled, r, of) }}
}

// Collected is the same when they have collected their garbage.
func Collected(name string, of Who) Figure {
	return Figure{name, Bytes, func(r *measure.Report) float64 { return taken(r.Collected, r, of) }}
}

func taken(costs []measure.Cost, r *measure.Report, of Who) float64 {
	var bytes int64
	known := false
	for _, c := range costs {
		if of(c.Group) {
			bytes += c.Resident - c.Before
			known = true
		}
	}
	if !known {
		return math.NaN()
	}
	return float64(bytes) / float64(r.Opened.Ready)
}

// Established is sessions a second.
func Established(name string) Figure {
	return Figure{name, PerSecond, func(r *measure.Report) float64 { return r.SessionsPerSec }}
}

// Delivered is messages a second, or copies.
func Delivered(name string) Figure {
	return Figure{name, PerSecond, func(r *measure.Report) float64 { return r.Rate }}
}

// Opening is the CPU time of groups for establishing a session.
func Opening(name string, of Who) Figure {
	return Figure{name, Microseconds, func(r *measure.Report) float64 { return used(r.Opening, of) * 1e6 / float64(r.Opened.Ready) }}
}

// Idle is the CPU time of groups for each session and second.
func Idle(name string, of Who) Figure {
	return Figure{name, MicrosecondsPerSecond, func(r *measure.Report) float64 {
		return used(r.Running, of) * 1e6 / r.Seconds / float64(r.Opened.Ready)
	}}
}

// Each is the CPU time of groups for a message.
func Each(name string, of Who) Figure {
	return Figure{name, Microseconds, func(r *measure.Report) float64 { return used(r.Running, of) * 1e6 / float64(r.Result.Measured) }}
}

// PerCPU is messages for each second of the groups' CPU time.
func PerCPU(name string, of Who) Figure {
	return Figure{name, Count, func(r *measure.Report) float64 { return float64(r.Result.Measured) / used(r.Running, of) }}
}

// Delay is that of a share of the messages.
func Delay(name string, share float64) Figure {
	return Figure{name, Milliseconds, func(r *measure.Report) float64 { return milliseconds(&r.Result.Delivery, share) }}
}

// Opened is the delay of a share of the sessions until they are established.
func Opened(name string, share float64) Figure {
	return Figure{name, Milliseconds, func(r *measure.Report) float64 { return milliseconds(&r.Opened.Delays, share) }}
}

func milliseconds(d *tally.Delays, share float64) float64 {
	if d.Count() == 0 {
		return math.NaN()
	}
	return float64(d.At(share).Microseconds()) / 1000
}
