package aioconnectors

import (
	"strings"
	"testing"
)

var report = framed(header("report", `,"request_id":5,"tag":"a:b"`), `{"text":"`+strings.Repeat("x", 200)+`"}`)

// What is kept of a frame and of an envelope is what they become, and what has no name yet.
func TestMessagesCostFewAllocations(t *testing.T) {
	c := newClient(Config{}, "kiosk7")
	said := c.FromClient(report, true)
	envelope := append([]byte(`{"from":"hub@t.org/x",`), said.Envelope[1:]...)
	dst := make([]byte, 0, 1024)
	for name, row := range map[string]struct {
		most float64
		run  func()
	}{
		"a frame":     {4, func() { c.FromClient(report, true) }},
		"an envelope": {2, func() { _, _ = c.ToClient(dst, envelope) }},
	} {
		if n := testing.AllocsPerRun(100, row.run); n > row.most {
			t.Errorf("%s costs %v allocations, more than %v", name, n, row.most)
		}
	}
}

func BenchmarkFromClient(b *testing.B) {
	c := newClient(Config{}, "kiosk7")
	b.ReportAllocs()
	for b.Loop() {
		c.FromClient(report, true)
	}
}

func BenchmarkToClient(b *testing.B) {
	c := newClient(Config{}, "kiosk7")
	envelope := append([]byte(`{"from":"hub@t.org/x",`), c.FromClient(report, true).Envelope[1:]...)
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = c.ToClient(dst, envelope)
	}
}
