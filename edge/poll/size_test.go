package poll

import (
	"testing"
	"unsafe"

	"limegrove/internal/footprint"
)

func TestSizesOfWhatEverySessionHas(t *testing.T) {
	footprint.Check(
		t,
		footprint.Part{What: "poll.Conn", Bytes: unsafe.Sizeof(Conn{}), Most: 136},
	)
}
