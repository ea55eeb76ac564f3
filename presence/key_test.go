package presence

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"limegrove/lime"
)

func TestIdentityKeyRoundTrip(t *testing.T) {
	part := rapid.StringOf(rapid.OneOf(rapid.SampledFrom([]rune("{}%@47BD025")), rapid.Rune()))
	rapid.Check(t, func(t *rapid.T) {
		id := lime.Identity{Name: part.Draw(t, "name"), Domain: part.Draw(t, "domain")}
		key := identityKey(id)
		if got, ok := keyIdentity(key); !ok || got != id {
			t.Fatalf("%q gives %q, %v; want %q", key, got, ok, id)
		}
		for _, other := range []string{floorKey(key), seenKey(key), holdPrefix + id.Name} {
			if _, ok := keyIdentity(other); ok || strings.HasPrefix(other, keyPrefix) {
				t.Fatalf("%q is taken for the key of an identity", other)
			}
		}
		if slotOf(floorKey(key)) != slotOf(key) || slotOf(seenKey(key)) != slotOf(key) {
			t.Fatalf("what is beside %q lies in another slot", key)
		}
		if tag := key[len(keyPrefix) : len(key)-1]; strings.ContainsAny(tag, "{}") || !strings.HasSuffix(key, "}") {
			t.Fatalf("the hash tag of %q is not all of it", key)
		}
	})
}

func TestSlotIsRedisClustersSlot(t *testing.T) {
	// The second and the third are from the cluster specification.
	for key, want := range map[string]int{
		"foo": 12182, "123456789": 0x31C3, "{user1000}.following": slotOf("user1000"), "foo{}{bar}": slotOf("foo{}{bar}"),
		"lg:{ana@x}": slotOf("ana@x"), "": 0,
	} {
		if got := slotOf(key); got != want {
			t.Errorf("slot of %q is %d, want %d", key, got, want)
		}
	}
}

func TestEachLaneHasAWitnessInItsSlots(t *testing.T) {
	for _, n := range []int{1, clusterLanes} {
		for lane, tag := range witnessTags(n) {
			if got := slotOf(witnessKey("e1", tag)) * n / clusterSlots; got != lane {
				t.Errorf("the witness %q of lane %d of %d lies in lane %d", tag, lane, n, got)
			}
		}
	}
}
