package lime

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
