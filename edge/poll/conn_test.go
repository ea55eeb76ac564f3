package poll

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Everything comes back, in order, however it is cut.
func TestEchoesEveryByteInOrder(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := serve(t, k, func(cfg *Config) { cfg.QueueLimit = 64 << 20 }, echo)
		var clients sync.WaitGroup
		for seed := range uint64(4) {
			nc := s.dial(t)
			clients.Go(func() { exchange(t, nc, seed, 2<<20) })
		}
		clients.Wait()
	})
}

// exchange writes size random bytes in random pieces and compares what comes.
func exchange(t *testing.T, nc net.Conn, seed uint64, size int) {
	sent := make([]byte, size)
	src := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = src.Read(sent)
	sizes := rand.New(src)
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		for b := sent; len(b) > 0; {
			n := min(len(b), 1+sizes.IntN(1<<sizes.IntN(18)))
			if _, err := nc.Write(b[:n]); err != nil {
				t.Error(err)
				return
			}
			b = b[n:]
		}
	})
	got := make([]byte, size)
	if n, err := io.ReadFull(nc, got); err != nil {
		t.Errorf("after %d of %d bytes: %v", n, size, err)
	}
	if string(got) != string(sent) {
		t.Error("what came back is not what was sent")
	}
}
