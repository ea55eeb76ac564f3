package lime

import "bytes"

// AppendWithMetadata appends the scanned object to dst with one more text in its metadata,
// behind those that it has; so it counts where there was one of that key, which most readers
// of JSON take the last of. The key and the text have nothing to escape. It borrows envelope,
// which are the bytes that were scanned.
func (h *Header) AppendWithMetadata(dst, envelope []byte, key, text string) []byte {
	object := envelope[h.start : h.start+h.Size]
	member := func() {
		dst = append(append(append(append(append(dst, '"'), key...), `":"`...), text...), '"')
	}
	value := h.spans[fieldMetadata]
	if value.to == 0 {
		dst = append(dst, object[:len(object)-1]...)
		if h.count > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `"metadata":{`...)
		member()
		return append(dst, "}}"...)
	}
	dst = append(dst, envelope[h.start:value.from]...)
	if envelope[value.from] != '{' { // null
		dst = append(dst, '{')
	} else {
		inside := envelope[value.from : value.to-1]
		dst = append(dst, inside...)
		if len(bytes.TrimSpace(inside[1:])) > 0 {
			dst = append(dst, ',')
		}
	}
	member()
	dst = append(dst, '}')
	return append(dst, envelope[value.to:h.start+h.Size]...)
}
