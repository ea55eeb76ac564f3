package resource

import (
	"context"
	"encoding/json"

	"limegrove/lime"
)

// HandlePing registers /ping, which tells that the server is there (L-CMD-10).
func HandlePing(m *Mux) {
	m.Handle(lime.MethodGet, "/ping", func(context.Context, Request) (Document, error) {
		return Document{lime.MediaPing, json.RawMessage(`{}`)}, nil
	})
}
