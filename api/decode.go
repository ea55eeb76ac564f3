package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
)

func malformed(detail string) *problem {
	return &problem{kind: kindMalformed, status: http.StatusBadRequest, detail: detail}
}

// decode reads the one JSON object in b into a pointer to a struct. Members that the struct does not
// have, in just that spelling, are an error that names them.
func decode(b []byte, into any) error {
	if len(bytes.TrimSpace(b)) == 0 {
		return malformed("The request needs a body, a JSON object")
	}
	var members map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&members); err != nil {
		if _, is := errors.AsType[*json.UnmarshalTypeError](err); is {
			return malformed("The body is not a JSON object")
		}
		return malformed("The body is not JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return malformed("There is something behind the JSON object")
	}
	if members == nil {
		return malformed("The body is not a JSON object")
	}
	known := membersOf(reflect.TypeOf(into).Elem())
	for name := range members {
		if !known[name] {
			return invalid(name, "There is no such member here")
		}
	}
	if err := json.Unmarshal(b, into); err != nil {
		if wrong, is := errors.AsType[*json.UnmarshalTypeError](err); is {
			return invalid(fieldOf(wrong.Field, known), "The member is no %s", jsonKind(wrong.Type))
		}
		return malformed("A member is not what it has to be") // the text may quote the body
	}
	return nil
}

// fieldOf is the member that encoding/json names, without the names of embedded structs before it.
func fieldOf(path string, known map[string]bool) string {
	for rest, ok := path, true; ok; _, rest, ok = strings.Cut(rest, ".") {
		if first, _, _ := strings.Cut(rest, "."); known[first] {
			return rest
		}
	}
	return path
}

// membersOf are the names that a struct has in JSON.
func membersOf(t reflect.Type) map[string]bool {
	all := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			for name := range membersOf(f.Type) {
				all[name] = true
			}
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all[name] = true
	}
	return all
}

// jsonKind is what a member of a type is in JSON.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	case reflect.Float32, reflect.Float64, reflect.Int, reflect.Int64, reflect.Uint64:
		return "number"
	}
	return "such value"
}
