package lime

import "bytes"

// answersWithURI tells whether the scanned object is a response with a uri, which
// lime-go takes for a request. b is what was scanned.
func (h *Header) answersWithURI(b []byte) bool {
	at := h.spans[fieldURI]
	return h.Kind == KindCommand && h.Status != 0 && at.to != 0 && b[at.from] != 'n'
}

// appendWithoutURI appends the scanned response, mended, without its uri. It is rare,
// and scans once more.
func (h *Header) appendWithoutURI(dst, envelope []byte) []byte {
	gone := h.memberOf(envelope, fieldURI)
	rest := append(bytes.Clone(envelope[h.start:gone.from]), envelope[gone.to:h.start+h.Size]...)
	var again Header
	if _, err := again.Scan(rest); err != nil {
		return append(dst, rest...) // it was right before
	}
	return again.appendMended(dst, rest)
}

// memberOf is where a member stands, with its name and one of the commas beside it. A
// known name has no quote in it.
func (h *Header) memberOf(b []byte, f field) span {
	at := h.spans[f]
	end := bytes.LastIndexByte(b[:at.from], '"')
	from := bytes.LastIndexByte(b[:end], '"')
	before := bytes.TrimRight(b[:from], " \t\r\n")
	if before[len(before)-1] == ',' {
		return span{len(before) - 1, at.to}
	}
	after := bytes.TrimLeft(b[at.to:], " \t\r\n")
	if after[0] == ',' {
		return span{from, len(b) - len(after) + 1}
	}
	return span{from, at.to}
}
