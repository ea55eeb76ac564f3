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
		footprint.Part{What: "routing.hub, for each identity", Bytes: unsafe.Sizeof(hub{}), Most: 96},
	)
}
