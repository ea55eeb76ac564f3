package table

import (
	"fmt"
	"math"

	"limegrove/loadtest/measure"
)

// Unit is how numbers are written.
type Unit string

// The units that there are. Files of results have them, too.
const (
	Bytes                 Unit = "bytes"
	Microseconds          Unit = "µs"
	MicrosecondsPerSecond Unit = "µs/s"
	Milliseconds          Unit = "ms"
	Nanoseconds           Unit = "ns"
	Gigabytes             Unit = "GB/s"
	PerSecond             Unit = "/s"
	Count                 Unit = ""
	Plain                 Unit = "1" // a ratio, or what the figure's name says
)

// none stands for a number that is not there.
const none = "-"

// Text writes a number with its unit.
func (u Unit) Text(n float64) string {
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return none
	case u == Bytes:
		return measure.Bytes(int64(math.Round(n)))
	case u == Count:
		return fmt.Sprintf("%.0f", n)
	case u == Plain:
		return digits(n)
	case u == PerSecond:
		return fmt.Sprintf("%.0f/s", n)
	}
	return fmt.Sprintf("%s %s", digits(n), u)
}

// digits writes a number with three digits that count.
func digits(n float64) string {
	switch {
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	default:
		return fmt.Sprintf("%.2f", n)
	}
}
