package tally

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Delays are how long something took, many times: from 1 µs to an hour, with an error below a
// thousandth. The zero Delays are none. They belong to one goroutine.
type Delays struct {
	h *hdrhistogram.Histogram // in µs; nil while there are none
}

// The histogram's range and significant digits.
const (
	shortest = 1
	longest  = int64(time.Hour / time.Microsecond)
	digits   = 3
)

// Note adds one. What is beyond the range counts as its end.
func (d *Delays) Note(took time.Duration) {
	if d.h == nil {
		d.h = hdrhistogram.New(shortest, longest, digits)
	}
	// It fails beyond the range alone.
	_ = d.h.RecordValue(min(max(took.Microseconds(), shortest), longest))
}

// Add adds those of another.
func (d *Delays) Add(other *Delays) {
	if other.h == nil {
		return
	}
	if d.h == nil {
		d.h = hdrhistogram.New(shortest, longest, digits)
	}
	d.h.Merge(other.h) // nothing is dropped between equal ranges
}

// Count is how many there are.
func (d *Delays) Count() int64 {
	if d.h == nil {
		return 0
	}
	return d.h.TotalCount()
}

// At is what a share of them, from 0 to 1, does not exceed.
func (d *Delays) At(share float64) time.Duration {
	if d.h == nil {
		return 0
	}
	return time.Duration(d.h.ValueAtQuantile(100*share)) * time.Microsecond
}

// Max is the longest.
func (d *Delays) Max() time.Duration { return d.At(1) }

// Shares are those that reports give.
var Shares = []float64{0.5, 0.99, 0.999}

// String is the shares that reports give, and the longest.
func (d *Delays) String() string {
	var b strings.Builder
	for _, share := range Shares {
		fmt.Fprintf(&b, "p%g %s  ", 100*share, Round(d.At(share)))
	}
	return b.String() + "max " + Round(d.Max()).String()
}

// Round takes away digits that nobody reads.
func Round(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d > 100*time.Millisecond:
		return d.Round(time.Millisecond)
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// delays is how Delays are written: in milliseconds for people, and whole for machines.
type delays struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
	HDR   []byte  `json:"hdr,omitempty"` // in HdrHistogram's V2 compressed encoding
}

// MarshalJSON is that of json.Marshaler.
func (d *Delays) MarshalJSON() ([]byte, error) {
	ms := func(share float64) float64 { return float64(d.At(share).Microseconds()) / 1000 }
	to := delays{Count: d.Count(), P50: ms(0.5), P99: ms(0.99), P999: ms(0.999), Max: ms(1)}
	if d.h != nil {
		var err error
		if to.HDR, err = d.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err != nil {
			return nil, fmt.Errorf("encode a histogram: %w", err)
		}
	}
	return json.Marshal(to)
}

// UnmarshalJSON is that of json.Unmarshaler.
func (d *Delays) UnmarshalJSON(text []byte) error {
	var from delays
	if err := json.Unmarshal(text, &from); err != nil {
		return err
	}
	d.h = nil
	if len(from.HDR) == 0 {
		return nil
	}
	h, err := hdrhistogram.Decode(from.HDR)
	if err != nil {
		return fmt.Errorf("decode a histogram: %w", err)
	}
	d.h = h
	return nil
}
