package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"limegrove/lime"
	"limegrove/loadtest/measure"
	"limegrove/loadtest/table"
)

// scanSizes are the lengths of the messages that are scanned, in bytes.
var scanSizes = []int{128, 1 << 10, 16 << 10}

// pass is one way to read a message. It is false when the message was no good to it.
type pass struct {
	name string
	do   func(b []byte) bool
}

// passes are from what any pass over a message's bytes takes to what decodes its header.
func passes() []pass {
	to := make([]byte, slices.Max(scanSizes))
	var h lime.Header
	return []pass{
		{"copy", func(b []byte) bool { return copy(to, b) == len(b) }},
		{"IndexByte", func(b []byte) bool { return bytes.IndexByte(b, 0) < 0 }},
		{"json.Valid", json.Valid},
		{"json.Unmarshal", func(b []byte) bool {
			var decoded struct{ ID, From, To, Type string }
			return json.Unmarshal(b, &decoded) == nil && decoded.From != ""
		}},
		{subject, func(b []byte) bool {
			_, err := h.Scan(b)
			return err == nil && len(h.From) > 0
		}},
	}
}

// scan compares how fast a message's header is found with other passes over its bytes.
func scan(ctx context.Context, c *comparison, t *trial) (*result, error) {
	all := passes()
	r := newResult(t, c.options)
	r.Machine, r.Servers = measure.ThisMachine(), nil // which are passes here
	for _, p := range all {
		r.Servers = append(r.Servers, p.name)
	}
	for _, size := range scanSizes {
		r.Figures = append(r.Figures,
			row{Name: fmt.Sprintf("a message of %d bytes", size), Unit: table.Nanoseconds, Rounds: map[string][]float64{}},
			row{Name: fmt.Sprintf("such messages of %d bytes", size), Unit: table.Gigabytes, Rounds: map[string][]float64{}})
	}
	for range c.rounds {
		for i, size := range scanSizes {
			message := messageOf(size)
			for _, p := range all {
				took, err := timeOf(ctx, p, message)
				if err != nil {
					return nil, err
				}
				r.Figures[2*i].note(p.name, took)
				r.Figures[2*i+1].note(p.name, float64(size)/took) // bytes a nanosecond
			}
		}
	}
	return r, nil
}

// messageOf is a message of size bytes, as chat clients send it.
func messageOf(size int) []byte {
	const head, text, end = `{"id":"6f1c7e0a","from":"alice@example.org/home","to":"bob@example.org","type":"text/plain","content":"`,
		"See you at half past seven. ", `"}`
	b := []byte(head + strings.Repeat(text, size/len(text)+1))
	return append(b[:size-len(end)], end...)
}

// measured is how long a pass is repeated.
const measured = 50 * time.Millisecond

// timeOf is how long a pass takes, in nanoseconds.
func timeOf(ctx context.Context, p pass, message []byte) (float64, error) {
	for n := 1; ; n *= 4 {
		start := time.Now()
		for range n {
			if !p.do(message) {
				return 0, fmt.Errorf("%s does not take %q", p.name, message)
			}
		}
		if took := time.Since(start); took >= measured || ctx.Err() != nil {
			return float64(took.Nanoseconds()) / float64(n), ctx.Err()
		}
	}
}
