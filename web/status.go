package web

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed status uplot/*.js uplot/*.css
var statusFiles embed.FS

// uplot is the library that draws charts, as npm has it; uplot/npm.sum says which version, and `make vendored` compares.
const uplot = "uplot/"

// statusPage is where the status page is.
const statusPage = "/status"

// Status returns the status page, which is at /status, with its other files below that. What it has in common with the chat
// page is the same file.
func Status() (http.Handler, error) {
	dir, err := fs.Sub(statusFiles, "status")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	p, err := New(dir)
	if err == nil {
		err = p.add(statusFiles, uplot+"uPlot.iife.min.js", uplot+"uPlot.min.css")
	}
	if err == nil {
		err = p.add(files, "chat/dom.js", "chat/icon.svg")
	}
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below, ok := strings.CutPrefix(r.URL.Path, statusPage)
		switch {
		case below == "/": // the page's names of files are relative to /status
			http.Redirect(w, r, statusPage, http.StatusMovedPermanently)
			return
		case !ok || below == "":
			below = "/"
		}
		inside := r.Clone(r.Context())
		inside.URL.Path = below
		p.ServeHTTP(w, inside)
	}), nil
}
