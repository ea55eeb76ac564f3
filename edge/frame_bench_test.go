package edge

import (
	"fmt"
	"testing"

	"github.com/gobwas/ws"
)

// BenchmarkFrame is a client's frame until its payload can be scanned: the head read and
// checked, the payload unmasked in place.
func BenchmarkFrame(b *testing.B) {
	for _, size := range []int{128, 1 << 10, 16 << 10} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			frame := frame(ws.OpText, padded(size))
			b.ReportAllocs()
			b.SetBytes(int64(len(frame)))
			for b.Loop() {
				h, n := parseHead(frame)
				if n == 0 || int(h.Length) != size {
					b.Fatal("the frame is not whole")
				}
				if err := ws.CheckHeader(h, ws.StateServerSide); err != nil {
					b.Fatal(err)
				}
				// Twice is as before, so the next turn meets masked bytes or plain ones.
				ws.Cipher(frame[n:], h.Mask, 0)
			}
		})
	}
}
