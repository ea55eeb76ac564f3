package presence_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"pgregory.net/rapid"

	"limegrove/lime"
	"limegrove/presence"
)

func TestFloorsDoWhatAMapWouldDo(t *testing.T) {
	server := miniredis.RunT(t)
	s, err := presence.Open(presence.Config{URL: "redis://" + server.Addr(), Timeout: 30 * time.Second})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	ids := []lime.Identity{lime.MustParseIdentity("ana@x"), lime.MustParseIdentity("rui@x")}
	position := rapid.OneOf(
		rapid.Uint64(), rapid.Uint64Range(0, 20), rapid.Uint64Range(1<<53-3, 1<<53+3), rapid.Uint64Min(math.MaxUint64-3),
	)
	floor := rapid.Custom(func(t *rapid.T) presence.Floor {
		return presence.Floor{
			Identity: rapid.SampledFrom(ids).Draw(t, "identity"),
			Instance: rapid.SampledFrom([]string{"", "1", "\nv", "a b", "é"}).Draw(t, "instance"),
			Log:      rapid.SampledFrom([]string{"l", " 9 l", "2026-01-02T03:04:05.123456789Z"}).Draw(t, "log"),
			Position: position.Draw(t, "position"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		server.FlushAll()
		want := map[lime.Node]presence.Floor{}
		for _, some := range rapid.SliceOfN(rapid.SliceOfN(floor, 0, 5), 1, 8).Draw(t, "raises") {
			for _, f := range some {
				n := lime.Node{Identity: f.Identity, Instance: f.Instance}
				if old, ok := want[n]; !ok || old.Log != f.Log || old.Position < f.Position {
					want[n] = f
				}
			}
			if err := s.RaiseFloors(t.Context(), some); err != nil {
				t.Fatal(err)
			}
			all, err := s.Floors(t.Context(), ids)
			if err != nil {
				t.Fatal(err)
			}
			got := map[lime.Node]presence.Floor{}
			for _, floors := range all {
				for _, f := range floors {
					got[lime.Node{Identity: f.Identity, Instance: f.Instance}] = f
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("after raising %v: %v, want %v", some, got, want)
			}
		}
	})
}

func TestAFloorThatCannotBeReadIsLeftOut(t *testing.T) {
	server := miniredis.RunT(t)
	s, err := presence.Open(presence.Config{URL: "redis://" + server.Addr()})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	for i, value := range strings.Split(",x,1,1 2,1 x l,1 -2 l,1 99999999999999999999 l,1 7 l", ",") {
		server.HSet("lg:floor:{ana@x}", string(rune('a'+i)), value)
	}
	ana := lime.MustParseIdentity("ana@x")
	all, err := s.Floors(t.Context(), []lime.Identity{ana})
	check(t, err)
	if want := []presence.Floor{{Identity: ana, Instance: "h", Log: "l", Position: 7}}; !reflect.DeepEqual(all[0], want) {
		t.Errorf("got %v, want %v", all[0], want)
	}
	mended := presence.Floor{Identity: ana, Instance: "b", Log: "l", Position: 1}
	check(t, s.RaiseFloors(t.Context(), []presence.Floor{mended}))
	if all, err = s.Floors(t.Context(), []lime.Identity{ana}); err != nil || len(all[0]) != 2 || all[0][0] != mended {
		t.Errorf("after raising one of them: %v, %v", all, err)
	}
}
