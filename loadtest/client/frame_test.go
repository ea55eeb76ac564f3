package client

import (
	"bytes"
	"io"
	"testing"

	"github.com/gobwas/ws"
)

// lengths are around those where a frame's head changes.
var lengths = []int{0, 1, 125, 126, 127, 65535, 65536, 70000}

func TestServersUnderstandFrames(t *testing.T) {
	for _, n := range lengths {
		payload := bytes.Repeat([]byte("abcdefg"), n/7+1)[:n]
		b := append(make([]byte, headroom), payload...)
		r := bytes.NewReader(frameInPlace(b, ws.OpText))
		h, err := ws.ReadHeader(r)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		ws.Cipher(got, h.Mask, 0)
		if h.OpCode != ws.OpText || !h.Fin || !h.Masked || h.Length != int64(n) || !bytes.Equal(got, payload) {
			t.Errorf("%d bytes are taken for %+v with %d", n, h, len(got))
		}
	}
}

func TestFramesOfServersAreUnderstood(t *testing.T) {
	for _, n := range lengths {
		payload := bytes.Repeat([]byte("x"), n)
		whole := ws.MustCompileFrame(ws.NewFrame(ws.OpBinary, n != 1, payload))
		for cut := range min(len(whole), 12) {
			if f, size, need, err := readFrame(whole[:cut]); size != 0 || need <= cut || need > len(whole) || err != nil {
				t.Errorf("the first %d of %d bytes are %+v, %d long, and %d are needed: %v", cut, len(whole), f, size, need, err)
			}
		}
		f, size, _, err := readFrame(append(whole, "more"...))
		if err != nil || size != len(whole) || f.op != ws.OpBinary || f.final != (n != 1) || !bytes.Equal(f.payload, payload) {
			t.Errorf("%d bytes: %d long, %+v: %v", n, size, f.op, err)
		}
	}
}

func TestFramesThatNoServerMaySendAreRefused(t *testing.T) {
	masked := ws.MustCompileFrame(ws.MaskFrameWith(ws.NewTextFrame([]byte("x")), mask))
	reserved := ws.MustCompileFrame(ws.NewTextFrame([]byte("x")))
	reserved[0] |= 0x20
	endless := []byte{0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}
	for _, b := range [][]byte{masked, reserved, endless} {
		if _, _, _, err := readFrame(b); err == nil {
			t.Errorf("%x is taken", b)
		}
	}
}
