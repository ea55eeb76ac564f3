package lime

import (
	"encoding/json"
	"fmt"
)

// Metadata says something about an envelope that changes nothing in how it is
// routed (L-ENV-07). It is an object of strings; what senders write is read
// leniently and forwarded strictly, since a lime-go client hears nothing more
// after a value that is none (L-ENV-05, L-ENV-06).
type Metadata map[string]string

// UnmarshalJSON reads an object. Numbers and booleans become strings, and null,
// objects and arrays are left out. What is no object is read as none.
func (m *Metadata) UnmarshalJSON(b []byte) error {
	*m = nil
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(b, &values); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	for key, value := range values {
		value = appendMetadataValue(nil, value)
		if value == nil {
			continue
		}
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return fmt.Errorf("metadata: %w", err)
		}
		if *m == nil {
			*m = make(Metadata, len(values))
		}
		(*m)[key] = text
	}
	return nil
}

// appendMetadataValue appends the JSON value as a JSON string, or nothing when
// there is none for it.
func appendMetadataValue(dst, value []byte) []byte {
	switch value[0] {
	case '"':
		return append(dst, value...)
	case '{', '[', 'n':
		return dst
	}
	dst = append(dst, '"')
	dst = append(dst, value...)
	return append(dst, '"')
}

// AppendMended appends the scanned object to dst so that a strict peer can
// bear it: metadata that holds strings alone, a reason that is an object, not a
// string, as lime-python writes it (L-ENV-12), and no uri in a response (L-CMD-02).
// All other bytes stay as they are. It borrows envelope, which are the bytes that
// were scanned. The result is to be scanned again.
func (h *Header) AppendMended(dst, envelope []byte) []byte {
	if h.answersWithURI(envelope) {
		return h.appendWithoutURI(dst, envelope)
	}
	return h.appendMended(dst, envelope)
}

func (h *Header) appendMended(dst, envelope []byte) []byte {
	first, second := fieldMetadata, fieldReason
	if h.spans[first].from > h.spans[second].from {
		first, second = second, first
	}
	done := h.start
	for _, f := range [...]field{first, second} {
		at := h.spans[f]
		if at.to == 0 {
			continue
		}
		dst = append(dst, envelope[done:at.from]...)
		value := envelope[at.from:at.to]
		switch {
		case f == fieldMetadata:
			dst = appendMetadata(dst, value)
		case value[0] == '"':
			dst = append(dst, `{"code":1,"description":`...)
			dst = append(dst, value...)
			dst = append(dst, '}')
		default:
			dst = append(dst, value...)
		}
		done = at.to
	}
	return append(dst, envelope[done:h.start+h.Size]...)
}

// appendMetadata appends the strings of the JSON value metadata, and null as
// it is.
func appendMetadata(dst, metadata []byte) []byte {
	if metadata[0] == 'n' {
		return append(dst, metadata...)
	}
	dst = append(dst, '{')
	opened := len(dst)
	if metadata[0] == '{' {
		s := scanner{b: metadata}
		s.members(0, func(name, value span) {
			kept := len(dst)
			if kept > opened {
				dst = append(dst, ',')
			}
			dst = append(dst, metadata[name.from:name.to]...)
			before := len(dst)
			if dst = appendMetadataValue(dst, metadata[value.from:value.to]); len(dst) == before {
				dst = dst[:kept]
			}
		})
	}
	return append(dst, '}')
}
