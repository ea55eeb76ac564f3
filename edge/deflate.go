package edge

import (
	"bytes"

	"github.com/gobwas/ws"
	"github.com/klauspost/compress/flate"
)

// Compression is how messages are compressed for the WebSocket clients that offer
// permessage-deflate, each message by itself: RFC 7692. What they compress is taken in any
// case then. It costs no memory while a session is idle.
type Compression struct {
	// Level is from 1, the fastest, to 9, the densest. Default 0: compression is not negotiated.
	Level int

	// Threshold is the length, in bytes, below which a message is sent as it is. Less spares
	// bytes, and costs CPU on messages that hardly get shorter. Default 512.
	Threshold int

	// Compressors is how many messages are being compressed at once; what comes beyond is sent
	// as it is. Each takes 0.8 to 1.4 MiB once it is used, by the level. Default two for each loop.
	Compressors int
}

// compression is what the clients of an edge that agreed on it have in common: what
// compresses and what inflates, each a bounded number.
type compression struct {
	Compression
	counts    *compressionMetrics
	deflaters chan *deflater // nil until one is made
	inflaters chan *inflater
	aside     chan struct{} // a place for each message that is inflated by a worker
}

// newCompression returns nil when there is none. The inflaters are the loops' own.
func newCompression(cfg Compression, loops int, counts *compressionMetrics) *compression {
	if cfg.Level == 0 {
		return nil
	}
	setDefault(&cfg.Compressors, 2*loops)
	k := &compression{
		Compression: cfg, counts: counts,
		deflaters: make(chan *deflater, cfg.Compressors),
		inflaters: make(chan *inflater, loops),
		aside:     make(chan struct{}, maxInflating),
	}
	for range cap(k.deflaters) {
		k.deflaters <- nil
	}
	for range cap(k.inflaters) {
		k.inflaters <- nil
	}
	return k
}

// syncTail is the end of a message's last block, which is not sent. RFC 7692, section 7.2.1.
var syncTail = []byte{0x00, 0x00, 0xff, 0xff}

// compressedBit says in the first octet of a message's first frame that it is compressed. RFC 7692,
// section 6.
const compressedBit = 0x40

// deflater compresses one message at a time.
type deflater struct {
	z   *flate.Writer
	out bytes.Buffer
}

// deflate returns the deflater that holds a message compressed, to be given back by done; nil when it is to
// be sent as it is. It borrows the message and does not block.
func (k *compression) deflate(message []byte) *deflater {
	if len(message) < k.Threshold {
		k.counts.small.Inc()
		return nil
	}
	var d *deflater
	select {
	case d = <-k.deflaters:
	default:
		k.counts.busy.Inc()
		return nil
	}
	if d == nil {
		d = newDeflater(k.Level)
	}
	d.compress(message)
	if d.out.Len() >= len(message) {
		k.counts.incompressible.Inc()
		k.done(d)
		return nil
	}
	k.counts.sent.note(len(message), d.out.Len())
	return d
}

func newDeflater(level int) *deflater {
	d := new(deflater)
	d.z, _ = flate.NewWriter(&d.out, level) // it fails for a level that there is not
	return d
}

// compress leaves in out what is to be sent. Nothing of an earlier message is referred to, whether or
// not the client could bear it.
func (d *deflater) compress(message []byte) {
	d.out.Reset()
	d.z.Reset(&d.out)
	// A buffer takes all.
	_, _ = d.z.Write(message)
	_ = d.z.Flush()
	d.out.Truncate(d.out.Len() - len(syncTail))
}

// done takes a deflater back; nil is none.
func (k *compression) done(d *deflater) {
	if d != nil {
		k.deflaters <- d
	}
}

// message returns the head and the payload of a frame for a message, which it borrows, and what has them
// compressed, if they are: it is to be given to done when they are queued.
func (c *conn) message(head, message []byte) (h, payload []byte, d *deflater) {
	if !c.packs {
		return c.over.appendHead(head, len(message)), message, nil
	}
	if d = c.edge.compression.deflate(message); d == nil {
		return appendHead(head, ws.OpText, len(message)), message, nil
	}
	payload = d.out.Bytes()
	h = appendHead(head, ws.OpText, len(payload))
	h[len(head)] |= compressedBit
	return h, payload, d
}
