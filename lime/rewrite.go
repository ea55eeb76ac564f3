package lime

// Rewrite is what the server changes in an envelope on the way: who sends it
// and for whom. A nil text leaves the member as it is.
type Rewrite struct {
	From, To, PP []byte // plain text, escaped when it is written
	RemovePP     bool   // take the member pp away; PP is not looked at then
	Enums        bool   // write event, method, status and state in LIME's case
}

// IsZero tells whether r changes nothing.
func (r *Rewrite) IsZero() bool {
	return r.From == nil && r.To == nil && r.PP == nil && !r.RemovePP && !r.Enums
}

// edit replaces what stands at span by a member's value, or by nothing.
type edit struct {
	span
	text   []byte
	name   string // of an enum, in place of text
	remove bool
}

// AppendRewritten appends the scanned object to dst, changed as r says. What
// has no member yet is put right behind the opening brace; all other bytes
// stay as they are. It borrows envelope, which are the bytes that were
// scanned. The result has no white space before the object and nothing after
// it.
func (h *Header) AppendRewritten(dst, envelope []byte, r Rewrite) []byte {
	var edits [7]edit
	n := 0
	add := func(e edit) {
		i := n
		for ; i > 0 && edits[i-1].from > e.from; i-- {
			edits[i] = edits[i-1]
		}
		edits[i] = e
		n++
	}
	removed := 0 // members
	if r.RemovePP {
		r.PP = nil
		if h.spans[fieldPP].to != 0 {
			at := h.pp[0]
			if h.pp[1].from != stop {
				at = h.pp[1]
			}
			add(edit{span: at, remove: true})
			removed = 1
		}
	}
	end := h.start + h.Size
	dst = append(dst, '{')
	opened := len(dst)
	put := func(f field, name string, text []byte) {
		switch at := h.spans[f]; {
		case text == nil:
		case at.to != 0:
			add(edit{span: at, text: text})
		default:
			if len(dst) > opened {
				dst = append(dst, ',')
			}
			dst = append(dst, name...)
			dst = appendQuoted(dst, text)
		}
	}
	put(fieldFrom, `"from":`, r.From)
	put(fieldTo, `"to":`, r.To)
	put(fieldPP, `"pp":`, r.PP)
	if len(dst) > opened && h.count > removed {
		dst = append(dst, ',')
	}
	if r.Enums {
		name := func(f field, name string) {
			if name != "" {
				add(edit{span: h.spans[f], name: name})
			}
		}
		name(fieldEvent, h.Event.String())
		name(fieldMethod, h.Method.String())
		name(fieldStatus, h.Status.String())
		name(fieldState, h.State.String())
	}
	done := h.start + 1
	for _, e := range edits[:n] {
		dst = append(dst, envelope[done:e.from]...)
		switch {
		case e.remove:
		case e.name != "":
			dst = appendQuoted(dst, e.name)
		default:
			dst = appendQuoted(dst, e.text)
		}
		done = e.to
	}
	return append(dst, envelope[done:end]...)
}
