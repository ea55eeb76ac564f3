package edge

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/gobwas/ws"
	"github.com/klauspost/compress/flate"
)

// inflater makes one message at a time of what a client has compressed.
type inflater struct {
	in  []byte
	src bytes.Reader
	z   io.ReadCloser // nil until it is used
	out []byte
}

// The errors of inflate.
var (
	errInflated = errors.New("the message is longer than it may be")
	errDeflated = errors.New("the message is not compressed as it should be")
)

// inflateEnd ends what a client sends with the tail that it has left out, and then with a final block, so that
// the end is no error. RFC 7692, section 7.2.2.
var inflateEnd = append(syncTail[:len(syncTail):len(syncTail)], 0x01, 0x00, 0x00, 0xff, 0xff)

// maxFinals is how many final blocks a message may have: one, where that is how a client flushes, and a
// few, where it flushes more than once. RFC 7692, section 7.2.3.4.
const maxFinals = 8

// window is how far back a message refers.
const window = 32 << 10

// inflate returns the message, of most bytes at the most, that is compressed in b, which it borrows. What it
// returns is the inflater's, until it is used again. The error is errInflated or errDeflated.
func (i *inflater) inflate(b []byte, most int) (message []byte, err error) {
	i.in = append(append(i.in[:0], b...), inflateEnd...)
	i.src.Reset(i.in)
	i.out = i.out[:0]
	for finals := 0; i.src.Len() > 0; finals++ {
		if finals > maxFinals {
			return nil, errDeflated
		}
		if err := i.stream(most); err != nil {
			return nil, err
		}
	}
	return i.out, nil
}

// stream inflates up to the next final block.
func (i *inflater) stream(most int) error {
	before := i.out[max(0, len(i.out)-window):]
	if i.z == nil {
		i.z = flate.NewReaderDict(&i.src, before)
	} else if err := i.z.(flate.Resetter).Reset(&i.src, before); err != nil {
		return errDeflated
	}
	for {
		if len(i.out) == cap(i.out) {
			i.out = append(i.out, 0)[:len(i.out)]
		}
		n, err := i.z.Read(i.out[len(i.out):min(cap(i.out), most+1)])
		i.out = i.out[:len(i.out)+n]
		switch {
		case len(i.out) > most:
			return errInflated
		case err == io.EOF:
			return nil
		case err != nil:
			return errDeflated
		}
	}
}

// inflateRate is how many bytes, a microsecond, a message counts for that takes long to inflate: what one
// session can have inflated, whatever it sends, is a tenth of a core with the default rate.
const inflateRate = 40

// fragments are of one compressed message.
type fragments struct{ b []byte }

// dropFragments forgets a message that is half sent, and returns what there is of it.
func (c *conn) dropFragments() (b []byte) {
	if p := c.passing; p != nil && p.fragments != nil {
		b, p.fragments = p.fragments.b, nil
		c.passes()
	}
	return b
}

// compressed takes a part of a compressed message, and the whole of it when fin says that it is the last.
func (c *conn) compressed(s *scratch, fin bool, payload []byte) {
	limit := c.maxEnvelope()
	held := c.dropFragments()
	if len(held)+len(payload) > limit {
		c.session.malformed(tooLong(limit), ws.StatusMessageTooBig)
		return
	}
	if !fin {
		c.begins().fragments = &fragments{append(held, payload...)}
		return
	}
	if held != nil {
		payload = append(held, payload...)
	}
	if len(payload) > longDeflated {
		c.inflateAside(payload, held != nil)
		return
	}
	pool := c.edge.compression
	i := <-pool.inflaters // there is one for each loop
	defer func() { pool.inflaters <- i }()
	if i == nil {
		i = new(inflater)
	}
	began := time.Now()
	message, err := i.inflate(payload, limit)
	c.inflated(s, message, len(payload), err, time.Since(began))
}

// inflated takes a message that is inflated, as far as it could be, from so many bytes and within a time.
func (c *conn) inflated(s *scratch, message []byte, from int, err error, within time.Duration) {
	pool, limit := c.edge.compression, c.maxEnvelope()
	if took := within.Microseconds(); took*inflateRate > int64(len(message)) {
		c.session.bytes.charge(s.now, int(took)*inflateRate-len(message), c.edge.cfg.Load().ByteRate)
	}
	switch {
	case errors.Is(err, errInflated):
		pool.counts.tooLong.Inc()
		c.session.malformed(tooLong(limit), ws.StatusMessageTooBig)
	case err != nil:
		pool.counts.malformed.Inc()
		c.session.malformed("The message cannot be inflated", ws.StatusInvalidFramePayloadData)
	default:
		pool.counts.received.note(len(message), from)
		before := c.flooding
		s.whole = true
		c.take(s, c.deflates.op(), true, message)
		s.whole = false
		if c.flooding && !before { // what is refused has cost as much
			c.session.bytes.charge(s.now, len(message), c.edge.cfg.Load().ByteRate)
		}
	}
}
