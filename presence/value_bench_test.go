package presence

import (
	"fmt"
	"maps"
	"testing"

	"limegrove/lime"
)

// usual is a registration as most sessions make it.
func usual(instance string) Registration {
	return Registration{
		Node: lime.Node{Identity: lime.Identity{Name: "ana", Domain: "example.org"}, Instance: instance},
		Edge: "limegrove-edge-7d9f8b6c5-x2x4z-4f1b9a", Session: uuid,
		Presence: lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity},
	}
}

func BenchmarkEncodeValue(b *testing.B) {
	r := usual("home")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := encodeValue(&r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode reads the hash of an identity with so many sessions.
func BenchmarkDecode(b *testing.B) {
	for _, sessions := range []int{1, 8} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			fields := map[string]string{versionField: "17"}
			for i := range sessions {
				r := usual(fmt.Sprint("home", i))
				v, _, err := encodeValue(&r)
				if err != nil {
					b.Fatal(err)
				}
				fields[r.Node.Instance] = string(v)
			}
			var s Store
			id := lime.Identity{Name: "ana", Domain: "example.org"}
			b.ReportAllocs()
			for b.Loop() {
				if _, all, err := s.decode(id, maps.All(fields)); err != nil || len(all) != sessions {
					b.Fatal(len(all), err)
				}
			}
		})
	}
}
