package bachata

import (
	"bytes"
	"encoding/json"
	"io"
)

// member is one of an object's.
type member struct {
	name  string
	value json.RawMessage
}

// object is a JSON object with its members in their order.
type object []member

// parse reads one JSON object. It is not ok when b is anything else.
func parse(b []byte) (o object, ok bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	places := map[string]int{}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		t, err := d.Token()
		name, is := t.(string)
		if err != nil || !is {
			return nil, false
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, false
		}
		if at, twice := places[name]; twice {
			o[at].value = value
			continue
		}
		places[name] = len(o)
		o = append(o, member{name, value})
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return o, err == io.EOF
}

// get returns a member's value, or nil.
func (o object) get(name string) json.RawMessage {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// text returns a member that is a text; "" when it is none.
func (o object) text(name string) (s string) {
	v := o.get(name)
	if len(v) == 0 || v[0] != '"' || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// set gives a member a value; a new one becomes the last.
func (o *object) set(name string, value json.RawMessage) {
	for i := range *o {
		if (*o)[i].name == name {
			(*o)[i].value = value
			return
		}
	}
	*o = append(*o, member{name, value})
}

// appendTo appends the object as JSON.
func (o object) appendTo(dst []byte) []byte {
	dst = append(dst, '{')
	for i, m := range o {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, quoted(m.name)...), ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}')
}
