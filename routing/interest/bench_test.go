package interest_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"limegrove/routing/interest"
)

// subscribers are the two ways to listen to the subject of a name: of the library alone, and shared.
var subscribers = map[string]func(testing.TB, *nats.Conn, chan *nats.Msg) func(name string){
	"Own": func(tb testing.TB, nc *nats.Conn, messages chan *nats.Msg) func(string) {
		return func(name string) {
			if _, err := nc.ChanSubscribe("to."+name+".*", messages); err != nil {
				tb.Fatal(err)
			}
		}
	},
	"Shared": func(tb testing.TB, nc *nats.Conn, messages chan *nats.Msg) func(string) {
		c, err := interest.Listen(nc, messages, "to.", ".*")
		if err != nil {
			tb.Fatal(err)
		}
		return func(name string) { c.Add(name) }
	},
}

// deaf is a broker that answers to PING alone, so that a subscription costs the client's memory and
// no other.
type deaf struct{ net.Conn }

func (d deaf) Dial(string, string) (net.Conn, error) { return d.Conn, nil }

// BenchmarkMemory tells what 50,000 subscriptions leave in the heap, beside their names.
func BenchmarkMemory(b *testing.B) {
	const n = 50000
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("org.example.@.guest-%d", i)
	}
	for how, open := range subscribers {
		b.Run(how, func(b *testing.B) {
			var bytes float64
			for b.Loop() {
				ours, brokers := net.Pipe()
				go func() {
					_, _ = io.WriteString(brokers, "INFO {}\r\n")
					buffer := make([]byte, 1<<16)
					for {
						n, err := brokers.Read(buffer)
						if err != nil {
							return
						}
						if s := string(buffer[max(0, n-6):n]); s == "PING\r\n" {
							go func() { _, _ = io.WriteString(brokers, "PONG\r\n") }()
						}
					}
				}()
				nc := connect(b, nats.DefaultURL, nats.SetCustomDialer(deaf{ours}), interest.Option())
				subscribe := open(b, nc, make(chan *nats.Msg))
				before := heap()
				for _, name := range names {
					subscribe(name)
				}
				flush(b, nc)
				bytes += float64(heap()-before) / n
				nc.Close()
				_ = brokers.Close()
			}
			b.ReportMetric(bytes/float64(b.N), "B/subscription")
			b.ReportMetric(0, "ns/op")
		})
	}
	runtime.KeepAlive(names)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkSubscribe makes subscriptions at a broker, a hundred of them for each round trip.
func BenchmarkSubscribe(b *testing.B) {
	for how, open := range subscribers {
		b.Run(how, func(b *testing.B) {
			srv, _ := start(b, server.Options{})
			nc := connect(b, srv.ClientURL(), interest.Option())
			subscribe := open(b, nc, make(chan *nats.Msg))
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				subscribe(fmt.Sprintf("org.example.@.guest-%d", i))
				if i++; i%100 == 0 {
					flush(b, nc)
				}
			}
			flush(b, nc)
		})
	}
}

// BenchmarkDeliver brings messages of 256 bytes from one connection to one of 15,000 subscriptions of
// another.
func BenchmarkDeliver(b *testing.B) {
	for how, open := range subscribers {
		b.Run(how, func(b *testing.B) {
			const n, room = 15000, 1 << 14
			srv, _ := start(b, server.Options{})
			nc, other := connect(b, srv.ClientURL(), interest.Option()), connect(b, srv.ClientURL())
			messages := make(chan *nats.Msg, room)
			subscribe := open(b, nc, messages)
			subjects := make([]string, n)
			for i := range subjects {
				subscribe(fmt.Sprintf("org.example.@.guest-%d", i))
				subjects[i] = fmt.Sprintf("to.org.example.@.guest-%d.phone", i)
			}
			flush(b, nc)
			data := make([]byte, 256)
			b.ReportAllocs()
			under, i := 0, 0
			for b.Loop() {
				if under == room/2 {
					<-messages
					under--
				}
				if err := other.Publish(subjects[i*7919%n], data); err != nil {
					b.Fatal(err)
				}
				i++
				under++
			}
			flush(b, other)
			for ; under > 0; under-- {
				<-messages
			}
		})
	}
}
