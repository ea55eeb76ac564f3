package edge

import (
	"testing"
	"unsafe"

	"limegrove/internal/footprint"
)

func TestSizesOfWhatEverySessionHas(t *testing.T) {
	footprint.Check(
		t,
		footprint.Part{What: "edge.conn, with its socket and its session", Bytes: unsafe.Sizeof(conn{}), Most: 288},
	)
}
