package routing

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"limegrove/lime"
	"limegrove/routing/subject"
	"limegrove/tracing"
)

// outgoing is an envelope on its way into the log. Its edge keeps it until JetStream
// says that it is stored, or until it is given up.
type outgoing struct {
	// Set when it is made and not changed.
	address   string      // the subject of the recipient's address
	key       subject.Key // of the identity
	token     string      // of the address
	partition int
	unique    string // by which JetStream knows a duplicate
	data      []byte
	since     time.Time
	group     bool          // it is for a group, whose members are no business of the edge's
	echo      bool          // its sender's sessions want a copy of it, too
	sender    lime.Identity // of a message, which is from or who has let it send
	news      subject.Key   // of the gateway that sends it in another's name; "" for most
	member    *Member       // who is told; nil for a notification that finds nobody there
	id        []byte        // the envelope's
	span      *tracing.Span // of its way into the log; nil for most

	// Set before it is given to the outbox.
	ask       string            // what is asked about whether it may be stored: the address, or who sends to which
	gateway   bool              // it is for a gateway, which is known
	brief     bool              // its recipient may never come again, and it waits for minutes
	admit     *lime.InboxPolicy // by which its sender was asked about, and ask is of both; nil: it was not
	allowance *allowance        // in which it has a place

	// Owned by the outbox.
	sequence  uint64 // in its partition's queue
	published tick   // for the last time
	done      bool

	// Guarded by the shard of member's hub.
	early [][]byte // notifications about it that have overtaken its own accepted
}

// size is what it takes of the edge's memory, about.
func (o *outgoing) size() int { return len(o.data) + len(o.id) + outgoingCost }

// appendTo appends the subject of the stream that it is stored in.
func (o *outgoing) appendTo(dst []byte) []byte {
	if o.group {
		return o.key.AppendGroup(dst, o.partition)
	}
	return o.key.AppendLog(dst, o.partition, o.token)
}

// appendUnique appends what makes an envelope another one than all others: a client that
// sends one again, with the same id to the same address, is acknowledged again and the
// recipient gets one. event is 0 for a message.
func appendUnique(dst, sender, id []byte, key subject.Key, token string, event lime.Event) []byte {
	// An address has no line break, so that the parts cannot run into each other.
	dst = append(lime.AppendFold(dst, sender), '\n')
	dst = append(append(dst, key...), '\n')
	dst = append(append(dst, token...), '\n')
	dst = append(dst, byte(event), '\n')
	return append(append(dst, id...), '\n')
}

// appendUniqueID appends the message id for JetStream of what appendUnique made.
func appendUniqueID(dst, unique []byte) []byte {
	sum := sha256.Sum256(unique)
	return base64.RawURLEncoding.AppendEncode(dst, sum[:uniqueBytes])
}

// uniqueBytes is how much of the checksum tells envelopes apart, and uniqueSize how long the
// id is that it makes.
const (
	uniqueBytes = 16
	uniqueSize  = (uniqueBytes*8 + 5) / 6
)

// maxEarly bounds the notifications that wait for one message to be accepted. There
// are two from each session that it reaches.
const maxEarly = 16

// holdEarly keeps a notification that came before its message was accepted, so that
// the sender sees accepted first. One that has no room is for whoever has sent it to have stored. The shard of m is locked. L-NOT-03.
func (m *Member) holdEarly(h *lime.Header, envelope []byte) (early, held bool) {
	s := m.underWayLocked()
	if s == nil {
		return false, false
	}
	for _, o := range s.storing {
		if !bytes.Equal(o.id, h.ID) {
			continue
		}
		if len(o.early) == maxEarly {
			return true, false
		}
		o.early = append(o.early, bytes.Clone(envelope))
		return true, true
	}
	return false, false
}
