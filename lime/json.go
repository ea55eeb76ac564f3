package lime

import (
	"bytes"
	"encoding/json"
)

// MarshalJSON is json.Marshal without escapes for HTML, which would make six bytes of each
// <, > and &. Within a value whose own MarshalJSON writes them they stay.
func MarshalJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
