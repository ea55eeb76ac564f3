package routing

import (
	"testing"
	"unsafe"

	"limegrove/internal/footprint"
)

func TestSizesOfWhatEverySessionHas(t *testing.T) {
	footprint.Check(
		t,
		footprint.Part{What: "routing.Member, with two delivery.Follow", Bytes: unsafe.Sizeof(Member{}), Most: 192},
		footprint.Part{What: "routing.household, a hub for each identity and its first Member", Bytes: unsafe.Sizeof(household{}), Most: 288},
	)
}
