package edge

import (
	"testing"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// null is a world and a place in it where nothing happens.
type null struct{}

func (null) send([]byte) bool                                { return true }
func (null) authenticate(auth.Request)                       {}
func (null) attach(Arrival)                                  {}
func (null) end([]byte, ws.StatusCode)                       {}
func (null) count(dropReason)                                {}
func (null) Activate()                                       {}
func (null) Leave()                                          {}
func (null) Route(lime.NodeView, *lime.Header, []byte) error { return nil }
func (null) Command(*lime.Header, []byte) error              { return nil }
func (null) SetPresence(*lime.Presence)                      {}
func (null) Presence() lime.Presence                         { return lime.Presence{} }
func (null) Instances() []string                             { return nil }
func (null) Attach(Arrival, Recipient) (Member, error)       { return null{}, nil }

// A message of 200 bytes, as a client writes it: without a from.
const message200 = `{"id":"0f8fad5b-d9cb-469f-a165-70867728950e","to":"rui@example.org/desk",` +
	`"type":"text/plain","content":"The quick brown fox jumps over the lazy dog, twice, and then once more with care."}`

// exchanging returns an established session without limits, and what gives it one
// message: scanned, checked, stamped and routed.
func exchanging(t testing.TB) (s *session, take func(*session)) {
	d := established(t)
	d.session.out, d.session.member = null{}, null{}
	d.session.rules.envelopeRate, d.session.rules.byteRate = 1<<30, 1<<40
	scratch := scratch{now: time.Now()}
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
