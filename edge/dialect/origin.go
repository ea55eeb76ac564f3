package dialect

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// AllowsOrigin tells whether the page that a request comes from may be spoken to, where
// origins are allowed: "*" for all; without any, those of the host that is asked. Who names
// none is no browser.
func AllowsOrigin(origins []string, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(origins, "*") || slices.Contains(origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && len(origins) == 0 && strings.EqualFold(u.Host, r.Host)
}

// ForeignOrigin is the refusal of a page that is not allowed.
func ForeignOrigin() *Refusal {
	return &Refusal{Status: http.StatusForbidden, Text: "the page is of another origin"}
}
