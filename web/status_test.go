package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"testing"
)

// get asks for a part of the status page.
func get(t *testing.T, target string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := Status()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody))
	return w
}

func TestTheStatusPageIsServed(t *testing.T) {
	for target, want := range map[string]struct {
		status int
		kind   string
	}{
		"/status":                    {200, "text/html; charset=utf-8"},
		"/status/app.js":             {200, "text/javascript; charset=utf-8"},
		"/status/dom.js":             {200, "text/javascript; charset=utf-8"},
		"/status/icon.svg":           {200, "image/svg+xml"},
		"/status/uPlot.iife.min.js":  {200, "text/javascript; charset=utf-8"},
		"/status/uPlot.min.css":      {200, "text/css; charset=utf-8"},
		"/status/chat.css":           {404, "text/plain; charset=utf-8"},
		"/status/uplot/uPlot.d.ts":   {404, "text/plain; charset=utf-8"},
		"/status/../status/app.js/x": {404, "text/plain; charset=utf-8"},
	} {
		w := get(t, target)
		if w.Code != want.status || w.Header().Get("Content-Type") != want.kind {
			t.Errorf("%s is answered by %d of %s", target, w.Code, w.Header().Get("Content-Type"))
		}
		if got := w.Header().Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s has the policy %q", target, got)
		}
		if w.Header().Get("Connection") != "" {
			t.Errorf("%s ends the connection, which is the server's to decide", target)
		}
	}
	if w := get(t, "/status/"); w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != "/status" {
		t.Errorf("/status/ is answered by %d, %q", w.Code, w.Header().Get("Location"))
	}
}

// The page needs nothing from elsewhere, and has all that it names.
func TestTheStatusPageIsWhole(t *testing.T) {
	whole := get(t, "/status").Body.String()
	names := []string{"status/uPlot.iife.min.js", "status/uPlot.min.css", "status/dom.js", "status/icon.svg"}
	files, err := fs.Glob(statusFiles, "status/*")
	if err != nil {
		t.Fatal(err)
	}
	names = append(names, files...)
	for _, name := range names {
		if name == "status/index.html" {
			continue
		}
		if !strings.Contains(whole, `"`+name+`"`) {
			t.Errorf("index.html does not name %s, so that it comes late or not at all", name)
		}
		text := get(t, "/"+name).Body.String()
		text = strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "")              // a name, which nobody fetches
		text = strings.ReplaceAll(text, "/*! https://github.com/leeoniya/uPlot (", "") // whose it is
		for _, far := range []string{"http://", "https://", "//cdn", "@import", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
			if strings.Contains(text, far) {
				t.Errorf("%s has %q", name, far)
			}
		}
	}
}

func TestWhatIsNotOursIsAsItWasPublished(t *testing.T) {
	sums, err := os.ReadFile("uplot/npm.sum")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(sums)), "\n")
	known := map[string]bool{"npm.sum": true}
	for _, line := range lines[1:] {
		sum, at, _ := strings.Cut(line, "  ")
		name := path.Base(at)
		known[name] = true
		body, err := os.ReadFile("uplot/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got := sha256.Sum256(body); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s was changed", name)
		}
	}
	all, err := os.ReadDir("uplot")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if !known[one.Name()] {
			t.Errorf("nothing says where %s is from", one.Name())
		}
	}
	_, version, _ := strings.Cut(lines[0], "uplot ")
	version, _, _ = strings.Cut(version, " ")
	if served := get(t, "/status/uPlot.iife.min.js").Body.Bytes(); !bytes.Contains(served[:min(100, len(served))], []byte("(v"+version+")")) {
		t.Errorf("what is served is not of version %s", version)
	}
}
