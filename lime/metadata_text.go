package lime

// MetadataText returns a text of the metadata of b, from which h was scanned: what is between its quotes, in b itself. It
// is nil when there is none of that key, which has nothing to escape. Of several it is the last, as for most readers of JSON.
func (h *Header) MetadataText(b []byte, key string) (text []byte) {
	metadata := h.spans[fieldMetadata]
	if metadata.to == 0 || b[metadata.from] != '{' {
		return nil
	}
	s := scanner{b: b}
	s.members(metadata.from, func(name, value span) {
		end := name.from + 1 + len(key)
		if b[value.from] == '"' && end < value.from && b[end] == '"' && string(b[name.from+1:end]) == key {
			text = b[value.from+1 : value.to-1]
		}
	})
	return text
}
