package lime

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
			h.BlankPP = h.PP == nil && h.spans[fieldPP].to != 0
			return i + 1
		default:
			return s.fail(i, "neither a comma nor the end")
		}
	}
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
	case fieldContent:
		h.content = s.b[i]
	case fieldResource:
		h.HasResource, h.resource = s.b[i] != 'n', s.b[i]
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
	h.LooseEnums = h.LooseEnums || string(name) != names[*v]
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
	if h.answersWithURI(s.b) {
		h.NeedsMending = true
	}
	return 0
}
