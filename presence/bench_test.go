package presence_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

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

// BenchmarkFloors raises and reads one floor of each of 1,000 identities in one
// call, and tells what such a floor takes of a real Redis.
func BenchmarkFloors(b *testing.B) {
	const n = 1000
	floors := make([]presence.Floor, n)
	ids := make([]lime.Identity, n)
	for i := range n {
		ids[i] = visitor(int64(i)).Node.Identity
		floors[i] = presence.Floor{Identity: ids[i], Log: "2026-01-02T03:04:05.123456789Z"}
	}
	position := uint64(1_000_000)
	raise := func(b *testing.B, s *presence.Store) {
		position++
		for i := range floors {
			floors[i].Position = position
		}
		if err := s.RaiseFloors(b.Context(), floors); err != nil {
			b.Fatal(err)
		}
	}
	run := func(b *testing.B, url string, do func(b *testing.B, s *presence.Store)) {
		s, err := presence.Open(presence.Config{URL: url, Timeout: 30 * time.Second})
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		raise(b, s)
		b.ReportAllocs()
		for b.Loop() {
			do(b, s)
		}
		b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "identities/s")
	}
	read := func(b *testing.B, s *presence.Store) {
		if _, err := s.Floors(b.Context(), ids); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("real", func(b *testing.B) {
		server := redistest.Start(b)
		b.Run("raise", func(b *testing.B) {
			run(b, server.URL(), raise)
			bytes, err := server.Client().MemoryUsage(b.Context(), "lg:floor:{"+ids[n-1].String()+"}").Result()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(bytes), "redis-bytes/identity")
		})
		b.Run("read", func(b *testing.B) { run(b, server.URL(), read) })
	})
	b.Run("cluster", func(b *testing.B) {
		url := redistest.StartCluster(b, 3, 0).URL()
		b.Run("raise", func(b *testing.B) { run(b, url, raise) })
		b.Run("read", func(b *testing.B) { run(b, url, read) })
	})
	b.Run("embedded", func(b *testing.B) {
		url := "redis://" + miniredis.RunT(b).Addr()
		b.Run("raise", func(b *testing.B) { run(b, url, raise) })
		b.Run("read", func(b *testing.B) { run(b, url, read) })
	})
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
