package routing

import (
	"testing"
	"unsafe"

	"limegrove/internal/footprint"
)

func TestSizesOfWhatEverySessionHas(t *testing.T) {
	footprint.Check(
		t,
		footprint.Part{What: "routing.household, for each identity: its hub and its first Member", Bytes: unsafe.Sizeof(household{}), Most: 256},
		footprint.Part{What: "routing.Member, for each other session of it, with two delivery.Follow", Bytes: unsafe.Sizeof(Member{}), Most: 176},
	)
}
