package aioconnectors

import (
	"strings"
	"testing"
)

var report = framed(header("report", `,"request_id":5,"tag":"a:b"`), `{"text":"`+strings.Repeat("x", 200)+`"}`)

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
