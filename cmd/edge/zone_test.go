package main

import (
	"testing"
	"testing/synctest"
	"time"

	"limegrove/cluster"
)

func TestZonesAreThoseOfGossip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var members []cluster.Member
		asked := 0
		z := zones{members: func() []cluster.Member {
			asked++
			return members
		}}
		if got := z.of("a-1"); got != "" {
			t.Errorf("an unknown edge is in %q", got)
		}
		members = []cluster.Member{{Incarnation: "a-1", Zone: "north"}, {Incarnation: "b-1"}}
		time.Sleep(zonesKept + 1)
		for range 100 {
			if got := z.of("a-1") + z.of("b-1"); got != "north" {
				t.Errorf("the zones are %q", got)
			}
		}
		if asked != 2 {
			t.Errorf("the members were listed %d times", asked)
		}
	})
}
