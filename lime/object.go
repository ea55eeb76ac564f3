package lime

import (
	"maps"
	"slices"
	"strconv"
)

// object is a JSON object that is being appended to a slice. What is empty is
// left out: envelopes have no null members (L-ENV-10).
type object []byte

func openObject(dst []byte) object { return append(dst, '{') }

func (o object) close() []byte { return append(o, '}') }

// name begins a member.
func (o object) name(name string) object {
	if o[len(o)-1] != '{' {
		o = append(o, ',')
	}
	o = append(o, '"')
	o = append(o, name...)
	return append(o, '"', ':')
}

func (o object) text(name, text string) object {
	if text == "" {
		return o
	}
	return appendQuoted(o.name(name), text)
}

func appendBytes(o object, name string, text []byte) object {
	if len(text) == 0 {
		return o
	}
	return appendQuoted(o.name(name), text)
}

func (o object) raw(name string, value []byte) object {
	if value == nil {
		return o
	}
	return append(o.name(name), value...)
}

func (o object) node(name string, n Node) object {
	if n.IsZero() {
		return o
	}
	o = append(o.name(name), '"')
	o = appendEscaped(o, n.Name)
	if n.Domain != "" {
		o = appendEscaped(append(o, '@'), n.Domain)
	}
	if n.Instance != "" {
		o = appendEscaped(append(o, '/'), n.Instance)
	}
	return append(o, '"')
}

func (o object) list(name string, texts []string) object {
	if len(texts) == 0 {
		return o
	}
	o = append(o.name(name), '[')
	for i, text := range texts {
		if i > 0 {
			o = append(o, ',')
		}
		o = appendQuoted(o, text)
	}
	return append(o, ']')
}

func (o object) reason(r *Reason) object {
	if r == nil {
		return o
	}
	o = append(o.name("reason"), `{"code":`...)
	o = strconv.AppendInt(o, int64(r.Code), 10)
	return append(o.text("description", r.Description), '}')
}

// head appends what all envelopes have.
func (o object) head(id string, from, to, pp Node, metadata Metadata) object {
	o = o.text("id", id).node("from", from).node("to", to).node("pp", pp)
	if len(metadata) == 0 {
		return o
	}
	o = append(o.name("metadata"), '{')
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if o[len(o)-1] != '{' {
			o = append(o, ',')
		}
		o = append(appendQuoted(o, key), ':')
		o = appendQuoted(o, metadata[key])
	}
	return append(o, '}')
}
