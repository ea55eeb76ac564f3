package lime

// Header is the part of an envelope that routing needs. The rest is checked
// but never decoded on the way: an envelope leaves as the bytes in which it
// came. The zero Header is ready to Scan, and is used again and again; a copy of
// it is to be read only.
//
// The texts are what the sender wrote, not looked into: an address may be none.
// An absent, a null and an empty text are the same, nil.
type Header struct {
	Kind Kind

	ID   []byte // nil when the sender wants no answer
	From []byte // name@domain/instance; nil means the peer itself
	To   []byte // likewise; nil means the other end of the session
	PP   []byte // per procurationem: who sends on behalf of From
	Type []byte // the media type of the content or the resource
	URI  []byte // of a command's resource

	Event  Event         // 0 when absent
	Method Method        // 0 when absent
	Status CommandStatus // 0 in a request
	State  State         // 0 when absent

	HasResource bool // a resource that is not null
	HasReason   bool // a reason that is not null

	// NeedsMending tells that a strict peer could not bear the envelope: see
	// AppendMended.
	NeedsMending bool

	// LooseEnums tells that an event, a method, a status or a state is written in
	// another case than LIME's (L-ENV-10), BlankPP that there is a pp which says
	// nothing. Both stop some peers: see Rewrite.
	LooseEnums, BlankPP bool

	// Traced is for whoever follows the envelope on its way to set, after the scan.
	Traced bool

	// Size is the number of bytes of the object, from brace to brace.
	Size int

	count    int            // of the members
	start    int            // of the object, in the bytes that were scanned
	spans    [fieldEnd]span // of the values; zero when absent
	content  byte           // with which the value begins; 0 when absent
	resource byte           // likewise
	pp       [2]span        // pp's member: with the comma after it, and with the one before
	scratch  []byte         // holds the texts that were written with escapes
}

// span is where something stands in the bytes that were scanned.
type span struct{ from, to int }

// maxScratch bounds what a Header keeps between two scans.
const maxScratch = 4 << 10

// Scan reads the one JSON object with which b begins, after white space. It
// returns the number of bytes up to and with its closing brace; what follows
// is not looked at.
//
// h borrows b: its texts alias b, and live as long as b is unchanged. Those
// that were written with escapes alias h instead, and live until the next
// Scan. Nothing is allocated, once h has seen the longest of these.
//
// The whole object has to be right: RFC 8259, UTF-8, no half surrogate pairs,
// no deeper than MaxDepth. A member that the header knows may come once, and
// never in another case: a peer that reads names without regard to case (C#
// and Go do) could take "From" for the from that was checked. Unknown members
// are left alone (L-ENV-02). The texts are strings or null (L-ENV-03,
// L-ENV-13); an event, a method, a status and a state that are not null have
// a name that exists, in any case (L-ENV-11).
//
// An error is ErrNone, ErrShort or matches ErrMalformed; h is of no use then.
func (h *Header) Scan(b []byte) (n int, err error) {
	if cap(h.scratch) > maxScratch {
		h.scratch = nil
	}
	*h = Header{scratch: h.scratch[:0]}
	s := scanner{b: b}
	i := s.space(0)
	if i == stop {
		return len(b), ErrNone
	}
	if b[i] != '{' {
		s.fail(i, "no object")
		return 0, s.err
	}
	h.start = i
	if i = h.members(&s, i+1); i == stop {
		return 0, s.err
	}
	h.Size = i - h.start
	return i, nil
}
