package web

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed chat
var files embed.FS

// Chat returns the chat page: index.html of its folder is /, and every other file has its own name.
func Chat() (*Pages, error) {
	dir, err := fs.Sub(files, "chat")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	return New(dir)
}
