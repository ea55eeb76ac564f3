package api

import (
	_ "embed"
	"net/http"
)

// Document describes the API, in OpenAPI 3.1.
//
//go:embed openapi.json
var Document []byte

// documentPath is where it is served, to everybody.
const documentPath = "/openapi.json"

func serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", typeJSON)
	_, _ = w.Write(Document) // who went away needs nothing
}
