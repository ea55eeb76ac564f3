package edge

import (
	"encoding/binary"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// A probe is a ping whose payload is a mark and the number of the probe. The pings for
// silent clients have no payload, nor have the pongs that browsers and .NET send
// unasked, so that neither is taken for a proof.
const (
	probeMark = 'p'
	probeSize = 5
)

// Probe queues a ping behind what was delivered. Recipient.
func (c *conn) Probe(n uint32) error {
	if c.speaks() != nil && c.speaks().login.Confirms {
		return nil // the client's own word counts alone
	}
	switch c.over {
	case overTCP:
		return c.askTCP(n)
	case overFrames:
		c.probed.Store(n)
		return c.put(nil, c.speaks().framed.Probe(nil, n))
	case overWebSocket:
	}
	payload := [probeSize]byte{probeMark}
	binary.BigEndian.PutUint32(payload[1:], n)
	c.probed.Store(n) // before the pong can come
	var array [maxHead]byte
	return c.put(appendHead(array[:0], ws.OpPing, len(payload)), payload[:])
}

// ponged takes a pong's payload. A client may answer the last of several pings alone,
// RFC 6455, section 5.5.3, so that a proof is one of the earlier probes too, and what
// comes for those afterwards is old. One of a probe that never was is nobody's.
func (c *conn) ponged(payload []byte) {
	if len(payload) != probeSize || payload[0] != probeMark {
		return
	}
	c.has(binary.BigEndian.Uint32(payload[1:]))
}

// has tells the session that the client has what was delivered before a probe.
func (c *conn) has(n uint32) {
	// Both count from the last proof, so that numbers may wrap around.
	if ahead := n - c.proved; ahead == 0 || ahead > c.probed.Load()-c.proved {
		return
	}
	c.proved = n
	c.session.proved(n)
}

// proved tells routing that the client has what was delivered before a probe.
func (s *session) proved(n uint32) {
	if s.state == lime.StateEstablished {
		s.member.Proved(n)
	}
}

// drained tells routing that the client's queue is empty.
func (s *session) drained() {
	if s.state == lime.StateEstablished {
		s.member.Drained()
		s.has().visits.drained()
	}
}
