package poll

import (
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// BenchmarkEcho has a client write 200 bytes to each of many connections and
// then read the answers. An operation is one of them; cpu-ns/op is the time of
// both ends on all cores.
func BenchmarkEcho(b *testing.B) {
	for _, k := range kinds() {
		if k.name != "tls" {
			b.Run(k.name, func(b *testing.B) { benchmarkEcho(b, serve(b, k, nil, echo).addr) })
		}
	}
	b.Run("plain", func(b *testing.B) { benchmarkEcho(b, plainEcho(b)) })
}

func benchmarkEcho(b *testing.B, addr string) {
	const conns, size = 256, 200
	var peers [conns]int
	for i := range peers {
		fd, err := dialBare(netip.MustParseAddrPort(addr))
		must(b, err)
		b.Cleanup(func() { closeBare(fd) })
		readAll(b, fd, make([]byte, 1))
		peers[i] = fd
	}
	buf := make([]byte, size)
	before := cpuTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += conns {
		some := peers[:min(conns, b.N-done)]
		for _, fd := range some {
			_, err := syscall.Write(fd, buf)
			must(b, err)
		}
		for _, fd := range some {
			readAll(b, fd, buf)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// BenchmarkFanOut sends bursts of 8 frames of 200 bytes to each of many connections: made once for all, copied for
// each and written together, or written one by one. An operation is a frame; cpu-ns/op is the time of both ends.
func BenchmarkFanOut(b *testing.B) {
	const conns, burst, size = 512, 8, 200
	frame := make([]byte, size)
	copied := func(batch *Batch, all []*Conn, each bool) {
		for range burst {
			for _, c := range all {
				must(b, batch.Append(c, frame[:4], frame[4:]))
				if each {
					batch.Flush()
				}
			}
		}
		batch.Flush()
	}
	for _, how := range []struct {
		name string
		send func(batch *Batch, all []*Conn)
	}{
		{"shared", func(_ *Batch, all []*Conn) {
			f := NewFrames(burst*size, burst)
			for range burst {
				f.Add(frame[:4], frame[4:])
			}
			for _, c := range all {
				_, err := c.AppendFrames(f, 0, burst)
				must(b, err)
			}
			for _, c := range all {
				c.Flush()
			}
		}},
		{"batched", func(batch *Batch, all []*Conn) { copied(batch, all, false) }},
		{"each", func(batch *Batch, all []*Conn) { copied(batch, all, true) }},
	} {
		b.Run(how.name, func(b *testing.B) {
			opened := make(chan *Conn, conns)
			s := serve(b, kinds()[0], nil, func(f *fake) { opened <- f.conn })
			var all [conns]*Conn
			var peers [conns]int
			for i := range peers {
				fd, err := dialBare(netip.MustParseAddrPort(s.addr))
				must(b, err)
				b.Cleanup(func() { closeBare(fd) })
				peers[i], all[i] = fd, <-opened
			}
			var batch Batch
			in := make([]byte, burst*size)
			before := cpuTime(b)
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += conns * burst {
				how.send(&batch, all[:])
				for _, fd := range peers[:] {
					readAll(b, fd, in)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// plainEcho serves as the standard library suggests, with a goroutine each.
func plainEcho(b *testing.B) (addr string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	b.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				buf := make([]byte, 4096)
				for {
					n, err := nc.Read(buf)
					if err != nil {
						return
					}
					if _, err := nc.Write(buf[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

func readAll(t testing.TB, fd int, b []byte) {
	for n := 0; n < len(b); {
		m, err := syscall.Read(fd, b[n:])
		if m <= 0 {
			t.Fatalf("read: %d, %v", m, err)
		}
		n += m
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
