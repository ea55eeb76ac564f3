package presence_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"limegrove/internal/redistest"
	"limegrove/lime"
	"limegrove/presence"
)

// BenchmarkRegister registers different nodes from 1,000 goroutines.
func BenchmarkRegister(b *testing.B) {
	b.Run("real", func(b *testing.B) { benchmarkRegister(b, redistest.Start(b).URL()) })
	b.Run("cluster", func(b *testing.B) { benchmarkRegister(b, redistest.StartCluster(b, 3, 0).URL()) })
	b.Run("embedded", func(b *testing.B) { benchmarkRegister(b, "redis://"+miniredis.RunT(b).Addr()) })
}

func benchmarkRegister(b *testing.B, url string) {
	s, err := presence.Open(presence.Config{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.PutLease(b.Context(), presence.Lease{Edge: edge}); err != nil {
		b.Fatal(err)
	}
	var n atomic.Int64
	b.SetParallelism(500) // on two cores
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, _, err := s.Register(b.Context(), visitor(n.Add(1)), false); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "registrations/s")
}

const edge = "limegrove-edge-7d9f8b6c5-x2x4z-4f1b9a"

func visitor(n int64) presence.Registration {
	return presence.Registration{
		Node:     lime.Node{Identity: lime.Identity{Name: fmt.Sprint("user", n), Domain: "example.org"}, Instance: "home"},
		Edge:     edge,
		Session:  fmt.Sprintf("52d59849-19a8-4b2d-86b7-%012x", n),
		Presence: lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity},
	}
}
