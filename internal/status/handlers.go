package status

import (
	"net/http"
	"net/url"
)

// Pages are the handlers of the page, by their patterns.
func (p *Page) Pages() map[string]http.Handler {
	all := map[string]http.Handler{
		"GET /status":              p.cfg.Files,
		"GET /status/":             p.cfg.Files,
		"GET /status/events":       http.HandlerFunc(p.events),
		"GET /status/identity":     http.HandlerFunc(p.identity),
		"GET /status/queues":       http.HandlerFunc(p.queues),
		"GET /status/ignore":       http.HandlerFunc(p.ignored),
		"POST /status/ignore":      http.HandlerFunc(p.ignore),
		"POST /status/ignore/stop": http.HandlerFunc(p.stopIgnoring),
		"POST /status/token":       http.HandlerFunc(p.tokenIs),
		"POST /status/drain":       http.HandlerFunc(p.drain),
		"POST /status/rebalance":   http.HandlerFunc(p.rebalance),
		"POST /status/log-level":   http.HandlerFunc(p.logLevel),
	}
	for pattern, h := range all {
		all[pattern] = p.ownOnly(h)
	}
	return all
}

// ownOnly keeps out pages of others that a browser shows at the same time: a browser says where a request comes from.
func (p *Page) ownOnly(h http.Handler) http.Handler {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.metrics.refused(refusedOrigin)
		fail(w, Refusal{http.StatusForbidden, "the request comes from another page"})
	})
	same := http.NewCrossOriginProtection() // of what is not GET
	same.SetDenyHandler(refuse)
	h = same.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if foreign(r) && !visit(r) {
			refuse(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// foreign tells whether a request is of a page of another origin. Browsers say so to loopback and over TLS; elsewhere, some of
// them name the origin.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return true
	case "":
		from, err := url.Parse(r.Header.Get("Origin"))
		return err != nil || from.Host != r.Host && r.Header.Get("Origin") != ""
	}
	return false
}

// visit tells whether somebody goes to the page itself, by a link for example.
func visit(r *http.Request) bool {
	page := r.URL.Path == "/status" || r.URL.Path == "/status/"
	return page && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}
