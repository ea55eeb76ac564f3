package config

import "strings"

// API is the HTTP API for backends, where a router runs.
type API struct {
	// Listen is its address. Default none: there is no API.
	Listen string
	// Key is a key that has all scopes for all domains; it is in no store. Default none.
	Key string
	// Rate is how many requests a second one key may make at one router. Default 100; 0 for no limit.
	Rate int
	// TLSCert and TLSKey are PEM files. Default none: HTTP, for behind what terminates TLS.
	TLSCert, TLSKey string
}

func (b *binder) api(a *API) {
	b.group("HTTP API, where a router runs")
	b.str(&a.Listen, "api", "", "`address` of the HTTP API for backends, such as :8085; empty for none")
	b.str(&a.Key, "api-key", "", "`key` that may do everything with the API, 16 bytes at least; give it by the environment or a file")
	b.num(&a.Rate, "api-rate", 100, "`requests` a second of one key of the API at one router; 0 for no limit")
	b.str(&a.TLSCert, "api-tls-cert", "", "PEM `file` with the certificate of the API, which is HTTPS then")
	b.str(&a.TLSKey, "api-tls-key", "", "PEM `file` with the key of -api-tls-cert")
}

func (b *binder) recipients(r *Recipients) {
	b.str((*string)(r), "recipients", string(RecipientsKnown), "`whom` messages are stored for: known or anyone")
}

func (c *check) recipients(r Recipients) {
	c.that(r == RecipientsKnown || r == RecipientsAnyone, "recipients", "%q is neither known nor anyone", r)
}

// leastBearer is the least length of what somebody has chosen for requests to bear.
const leastBearer = 16

// bearer checks what a header is to carry; "" is none.
func (c *check) bearer(name, key string) {
	c.that(key == "" || len(key) >= leastBearer, name, "shorter than %d bytes", leastBearer)
	c.that(!strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }), name, "has what a header cannot carry")
}

func (a *API) validate(c *check) {
	c.listen("api", a.Listen)
	if a.Listen == "" {
		a.Key = "" // it may stand in the environment of whatever is started there
	}
	c.bearer("api-key", a.Key)
	c.atLeast("api-rate", a.Rate, 0)
	c.that((a.TLSCert == "") == (a.TLSKey == ""), "api-tls-cert", "goes with -api-tls-key: give both or neither")
	c.that(a.TLSCert == "" || a.Listen != "", "api-tls-cert", "goes with -api")
}
