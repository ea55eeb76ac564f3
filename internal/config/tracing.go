package config

import (
	"net/http"
	"net/url"
	"strings"
)

// Tracing is about following single envelopes on their way.
type Tracing struct {
	// Endpoint is the URL, http or https, of who collects spans by OTLP. Default none: nothing is traced.
	Endpoint string
	// Headers go with each request there, as name=value. Default none.
	Headers []string
	// Share is the part, 0 to 1, of the messages without a traceparent for which a trace is begun. Default 0.
	Share float64
	// Rate bounds the envelopes a second that are traced as they come from clients, and again the copies as they are
	// delivered. More lets clients cause more work. Default 100; 0 for none.
	Rate int
}

func (b *binder) tracing(t *Tracing) {
	b.group("Tracing")
	b.str(&t.Endpoint, "trace-endpoint", "", "`URL`, http or https, of who collects spans by OTLP; empty to trace nothing")
	bindList(b, &t.Headers, "trace-headers", "", "`name=value` of headers for -trace-endpoint, such as a token; may be repeated")
	b.fs.Float64Var(&t.Share, "trace-share", 0, "`part`, 0 to 1, of the messages without a traceparent that are given one")
	b.add("trace-share")
	b.num(&t.Rate, "trace-rate", 100, "`envelopes` a second traced as they come, and copies as they leave, twice that at once")
}

func (t *Tracing) validate(c *check) {
	if t.Endpoint != "" {
		c.url("trace-endpoint", t.Endpoint, "http", "https")
		u, err := url.Parse(t.Endpoint)
		c.that(err != nil || u.User == nil, "trace-endpoint", "the URL must hold no password: that is for -trace-headers")
		c.that(err != nil || u.RawQuery == "", "trace-endpoint", "the URL must have no query")
	}
	for i, h := range t.Headers {
		name, value, ok := strings.Cut(h, "=")
		c.that(ok && isToken(name) && isHeaderValue(value), "trace-headers", "header %d is not name=value", i+1) // it may be secret
	}
	c.that(t.Share >= 0 && t.Share <= 1, "trace-share", "%v is not between 0 and 1", t.Share)
	c.atLeast("trace-rate", t.Rate, 0)
}

// Header is the headers for the collector.
func (t *Tracing) Header() http.Header {
	all := http.Header{}
	for _, h := range t.Headers {
		name, value, _ := strings.Cut(h, "=")
		all.Add(name, strings.TrimSpace(value))
	}
	return all
}

// isToken and isHeaderValue tell what HTTP takes: RFC 9110, sections 5.1 and 5.5.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

func isHeaderValue(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
