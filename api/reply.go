package api

import (
	"encoding/json"
	"net/http"
)

// reply is what an operation answers.
type reply struct {
	status  int
	body    any // as encoding/json writes it; nil for none
	problem bool
	header  http.Header // nil for none

	// keep is what is kept of it for its Idempotency-Key when that is not itself; see secretly.
	keep *reply

	text []byte // body, written; see encode
}

// The media types of bodies.
const (
	typeJSON    = "application/json"
	typeProblem = "application/problem+json"
)

// secretly is an answer that has a secret, which is told once: it is not what is kept.
func secretly(r reply) reply {
	told := (&problem{kind: kindConflict, status: http.StatusConflict, detail: "It was made, and its key was told, when the request came first"}).reply()
	r.keep = &told
	return r
}

// kept is what is kept of it.
func (r *reply) kept() *reply {
	if r.keep != nil {
		return r.keep
	}
	return r
}

// encode writes the body.
func (r *reply) encode() error {
	if r.body == nil || r.text != nil {
		return nil
	}
	var err error
	r.text, err = json.Marshal(r.body)
	return err
}

func (r *reply) mediaType() string {
	switch {
	case r.text == nil:
		return ""
	case r.problem:
		return typeProblem
	}
	return typeJSON
}

// write sends it. A client that went away needs nothing.
func (r *reply) write(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	if t := r.mediaType(); t != "" {
		w.Header().Set("Content-Type", t)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(r.status)
	_, _ = w.Write(r.text) //nolint:gosec // JSON, whose type says so
}
