package edge

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/auth"
	"limegrove/lime"
	"limegrove/prepared"
	"limegrove/room"
	"limegrove/tracing"
)

// null is a world and a place in it where nothing happens.
type null struct{}

func (null) send(lime.Kind, []byte) bool                                      { return true }
func (null) unestablished(lime.Code)                                          {}
func (null) expires(time.Time)                                                {}
func (null) certified() bool                                                  { return false }
func (null) authenticate(auth.Request)                                        {}
func (null) attach(Arrival)                                                   {}
func (null) enter(RoomEntry)                                                  {}
func (null) publish(RoomAddress, []byte, string, *tracing.Span) (bool, error) { return false, nil }
func (null) attend(room.Name, Seat)                                           {}
func (null) occupants(RoomAddress, roomRequest)                               {}
func (null) end([]byte, ws.StatusCode)                                        {}
func (null) secure()                                                          {}
func (null) answered([]byte) bool                                             { return false }
func (null) count(dropReason)                                                 {}
func (null) Activate()                                                        {}
func (null) Proved(uint32)                                                    {}
func (null) Drained()                                                         {}
func (null) Settle(done func())                                               { done() }
func (null) Receipt(*lime.Header, []byte) bool                                { return false }
func (null) MayActFor(lime.NodeView, *lime.Header) bool                       { return false }
func (null) SetReceipts(lime.Events)                                          {}
func (null) Receipts() lime.Events                                            { return 0 }
func (null) Leave()                                                           {}
func (null) Route(lime.NodeView, *lime.Header, []byte) error                  { return nil }
func (null) Command(*lime.Header, []byte) error                               { return nil }
func (null) SetCapability(*lime.Capability)                                   {}
func (null) Capability() lime.Capability                                      { return lime.Capability{} }
func (null) SetPresence(*lime.Presence)                                       {}
func (null) Presence() lime.Presence                                          { return lime.Presence{} }
func (null) Instances() []string                                              { return nil }
func (null) Attach(Arrival, Recipient) (Member, error)                        { return null{}, nil }

// A message of 200 bytes, as a client writes it: without a from.
const message200 = `{"id":"0f8fad5b-d9cb-469f-a165-70867728950e","to":"rui@example.org/desk",` +
	`"type":"text/plain","content":"The quick brown fox jumps over the lazy dog, twice, and then once more with care."}`

// exchanging returns an established session without limits, and what gives it one
// message: scanned, checked, stamped and routed.
func exchanging(t testing.TB) (s *session, take func(*session)) {
	d := established(t)
	d.session.out, d.session.member = null{}, null{}
	d.session.rules.envelopeRate, d.session.rules.byteRate = 1<<30, 1<<40
	scratch := scratch{now: 1}
	b := []byte(message200)
	return &d.session, func(s *session) {
		n, err := scratch.header.Scan(b)
		if err != nil {
			t.Fatal(err)
		}
		s.envelope(&scratch, b[:n])
	}
}

func BenchmarkSessionExchange(b *testing.B) {
	s, take := exchanging(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(message200)))
	for b.Loop() {
		take(s)
	}
}

// BenchmarkDeliver is what a message costs on its way to a client, from Deliver to
// the system's buffer and out of it again, with one flush for each, or for eight.
func BenchmarkDeliver(b *testing.B) {
	for _, burst := range []int{1, 8} {
		b.Run(fmt.Sprintf("burst=%d", burst), func(b *testing.B) {
			e := newFixture(b, Config{SendQueue: 1 << 20})
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			must(b, err)
			e.dial = func() net.Conn {
				nc, err := net.Dial("tcp", ln.Addr().String())
				must(b, err)
				return nc
			}
			e.run(ln)
			c := e.upgraded()
			c.login("rui@example.org/desk")
			c.stalled.Store(true)
			to := e.board.recipient(c.node)
			must(b, to.Deliver([]byte(message200)))
			to.Flush()
			c.hears("the last frame that the client itself reads", `{"type":"text/plain"}`)
			go drain(c.nc)
			b.Cleanup(c.goOn)
			b.ReportAllocs()
			b.SetBytes(int64(len(message200)))
			message := []byte(message200)
			for b.Loop() {
				for range burst {
					for errors.Is(to.Deliver(message), ErrQueueFull) {
						runtime.Gosched()
					}
				}
				to.Flush()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*burst), "ns/message")
		})
	}
}

// BenchmarkHear is what an envelope of 1 KiB costs that is for 100 clients, to the system's buffers and out of
// them again: as it is and compressed, made once for all, or for each.
func BenchmarkHear(b *testing.B) {
	const clients = 100
	for _, row := range []struct {
		name          string
		shared, packs bool
	}{{"once", true, false}, {"each", false, false}, {"compressed-once", true, true}, {"compressed-each", false, true}} {
		b.Run(row.name, func(b *testing.B) {
			e := newFixture(b, Config{SendQueue: 1 << 20, Compression: Compression{Level: 1}})
			e.run(e.listen(func(nc net.Conn) net.Conn { return nc }))
			var all [clients]*conn
			for i := range all {
				c := e.upgraded()
				c.login(fmt.Sprintf("rui@example.org/%d", i))
				c.stalled.Store(true)
				all[i] = e.board.recipient(c.node).(*conn)
				must(b, all[i].Deliver([]byte(message200)))
				all[i].Flush()
				c.hears("the last frame that the client itself reads", `{"type":"text/plain"}`)
				all[i].packs = row.packs
				go drain(c.nc)
				b.Cleanup(c.goOn)
			}
			var r prepared.Run
			envelope := envelopeOf(1 << 10)
			b.ReportAllocs()
			for b.Loop() {
				r.Reset(1)
				if row.shared {
					r.Reset(clients)
				}
				r.Add(envelope)
				for _, c := range all {
					for {
						_, err := c.Hear(&r, 0, 1)
						if err == nil {
							break
						}
						runtime.Gosched()
					}
				}
				for _, c := range all {
					c.Flush()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/clients, "ns/copy")
		})
	}
}
