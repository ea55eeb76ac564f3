package lime

// Header is the part of an envelope that routing needs. The rest is checked
// but never decoded on the way: an envelope leaves as the bytes in which it
// came. The zero Header is ready to Scan, and is used again and again.
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

	// Size is the number of bytes of the object, from brace to brace.
	Size int

	count   int            // of the members
	start   int            // of the object, in the bytes that were scanned
	spans   [fieldEnd]span // of the values; zero when absent
	pp      [2]span        // pp's member: with the comma after it, and with the one before
	scratch []byte         // holds the texts that were written with escapes
}

// span is where something stands in the bytes that were scanned.
type span struct{ from, to int }

// field is a member of an envelope that the scan knows.
type field uint8

const (
	fieldNone field = iota
	fieldID
	fieldFrom
	fieldTo
	fieldPP
	fieldType
	fieldURI
	fieldEvent
	fieldMethod
	fieldStatus
	fieldState
	fieldContent
	fieldResource
	fieldReason
	fieldMetadata
	fieldEnd
)

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

// members takes the offset after the opening brace and returns the one after
// the closing brace.
func (h *Header) members(s *scanner, i int) int {
	b := s.b
	if i = s.space(i); i == stop {
		return stop
	}
	if b[i] == '}' {
		return i + 1
	}
	comma := stop // the one before the member
	for {
		if b[i] != '"' {
			return s.fail(i, "no name of a member")
		}
		name := i + 1
		end, escaped := s.str(name)
		if end == stop {
			return stop
		}
		f := h.field(b[name:end], escaped)
		if f == fieldEnd {
			return s.fail(name-1, "a known name in another case")
		}
		if f != fieldNone && h.spans[f].to != 0 {
			return s.fail(name-1, "the same name twice")
		}
		value := s.colon(end + 1)
		if value == stop {
			return stop
		}
		if i = h.member(s, f, value); i == stop {
			return stop
		}
		h.spans[f] = span{value, i}
		h.count++
		if f == fieldPP {
			h.pp = [2]span{{name - 1, i}, {comma, i}}
		}
		if i >= len(b) || b[i] <= ' ' {
			if i = s.space(i); i == stop {
				return stop
			}
		}
		switch b[i] {
		case ',':
			if f == fieldPP {
				h.pp = [2]span{{name - 1, i + 1}, {stop, stop}}
			}
			comma = i
			i++
			if i >= len(b) || b[i] <= ' ' {
				if i = s.space(i); i == stop {
					return stop
				}
			}
		case '}':
			if h.kind(s) == stop {
				return stop
			}
			return i + 1
		default:
			return s.fail(i, "neither a comma nor the end")
		}
	}
}

// field returns the known member that has name, fieldNone when there is none,
// and fieldEnd when there is one whose name differs in case only.
func (h *Header) field(name []byte, escaped bool) field {
	if escaped {
		kept := len(h.scratch)
		h.scratch = appendUnescaped(h.scratch, name)
		name = h.scratch[kept:]
		h.scratch = h.scratch[:kept]
	}
	f := fieldNamed(name)
	// The longest is "reſource", with a long s.
	if f != fieldNone || len(name) < 2 || len(name) > 9 {
		return f
	}
	var folded [16]byte
	if fieldNamed(appendFold(folded[:0], name)) != fieldNone {
		return fieldEnd
	}
	return fieldNone
}

func fieldNamed(name []byte) field {
	switch string(name) {
	case "id":
		return fieldID
	case "from":
		return fieldFrom
	case "to":
		return fieldTo
	case "pp":
		return fieldPP
	case "type":
		return fieldType
	case "uri":
		return fieldURI
	case "event":
		return fieldEvent
	case "method":
		return fieldMethod
	case "status":
		return fieldStatus
	case "state":
		return fieldState
	case "content":
		return fieldContent
	case "resource":
		return fieldResource
	case "reason":
		return fieldReason
	case "metadata":
		return fieldMetadata
	}
	return fieldNone
}

// member takes the offset of the value of f and returns the one after it.
func (h *Header) member(s *scanner, f field, i int) int {
	switch f {
	case fieldID:
		return h.text(s, i, &h.ID)
	case fieldFrom:
		return h.text(s, i, &h.From)
	case fieldTo:
		return h.text(s, i, &h.To)
	case fieldPP:
		return h.text(s, i, &h.PP)
	case fieldType:
		return h.text(s, i, &h.Type)
	case fieldURI:
		return h.text(s, i, &h.URI)
	case fieldEvent:
		return h.enum(s, i, eventNames, (*uint8)(&h.Event))
	case fieldMethod:
		return h.enum(s, i, methodNames, (*uint8)(&h.Method))
	case fieldStatus:
		return h.enum(s, i, statusNames, (*uint8)(&h.Status))
	case fieldState:
		return h.enum(s, i, stateNames, (*uint8)(&h.State))
	case fieldResource:
		h.HasResource = s.b[i] != 'n'
	case fieldReason:
		switch s.b[i] {
		case 'n', '{':
		case '"':
			h.NeedsMending = true
		default:
			return s.fail(i, "a reason that is none")
		}
		h.HasReason = s.b[i] != 'n'
	case fieldMetadata:
		return h.metadata(s, i)
	}
	return s.value(i, 1)
}

// text reads the string or null at i and returns the offset after it.
func (h *Header) text(s *scanner, i int, text *[]byte) int {
	switch s.b[i] {
	case '"':
	case 'n':
		return s.literal(i, "null")
	default:
		return s.fail(i, "not a string")
	}
	end, escaped := s.str(i + 1)
	switch {
	case end == stop:
		return stop
	case escaped:
		kept := len(h.scratch)
		h.scratch = appendUnescaped(h.scratch, s.b[i+1:end])
		*text = h.scratch[kept:len(h.scratch):len(h.scratch)]
	case end > i+1:
		*text = s.b[i+1 : end : end]
	}
	return end + 1
}

// enum reads the name or null at i and returns the offset after it.
func (h *Header) enum(s *scanner, i int, names []string, v *uint8) int {
	var name []byte
	end := h.text(s, i, &name)
	if end == stop || s.b[i] == 'n' {
		return end
	}
	if *v = valueOf(names, name); *v == 0 {
		return s.fail(i, "no such name")
	}
	return end
}

// metadata returns the offset after the value at i, and notes whether all in
// it are strings (L-ENV-06).
func (h *Header) metadata(s *scanner, i int) int {
	if s.b[i] != '{' {
		h.NeedsMending = h.NeedsMending || s.b[i] != 'n'
		return s.value(i, 1)
	}
	return s.members(i, func(_, value span) {
		if s.b[value.from] != '"' {
			h.NeedsMending = true
		}
	})
}

// kind tells the kind by what is there (L-ENV-01). A null that decides leaves
// the envelope without what it is about.
func (h *Header) kind(s *scanner) int {
	deciding := fieldNone
	switch {
	case h.spans[fieldContent].to != 0:
		h.Kind = KindMessage
	case h.spans[fieldEvent].to != 0:
		h.Kind, deciding = KindNotification, fieldEvent
	case h.spans[fieldMethod].to != 0:
		h.Kind, deciding = KindCommand, fieldMethod
	case h.spans[fieldState].to != 0:
		h.Kind, deciding = KindSession, fieldState
	}
	if at := h.spans[deciding].from; deciding != fieldNone && s.b[at] == 'n' {
		return s.fail(at, "null where the kind is told")
	}
	return 0
}
