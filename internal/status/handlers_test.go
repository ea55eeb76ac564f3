package status

import (
	"net/http"
	"testing"
)

func TestPagesOfOthersSeeNothing(t *testing.T) {
	w := newWorld(t)
	one := w.start("e1", Edge)
	for _, tc := range []struct {
		what, path string
		headers    []string
		refused    bool
	}{
		{"a feed for another site", "/status/events", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"a feed for another port of the host", "/status/events", []string{"Sec-Fetch-Site", "same-site"}, true},
		{"a feed that is gone to from elsewhere", "/status/events", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		{"a feed, of a browser that tells the origin alone", "/status/events", []string{"Origin", "http://evil.example"}, true},
		{"a search", "/status/identity?q=x", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"a script", "/status/app.js", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"the page in a frame", "/status", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, true},
		{"the page by a link", "/status", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false},
		{"its own script", "/status/app.js", []string{"Sec-Fetch-Site", "same-origin"}, false},
		{"its own origin", "/status/app.js", []string{"Origin", one.server.URL}, false},
		{"a program", "/status/app.js", nil, false},
	} {
		if code, body := one.request("GET", tc.path, "", "", tc.headers...); (code == http.StatusForbidden) != tc.refused {
			t.Errorf("%s: %d %s", tc.what, code, body)
		}
	}
}
