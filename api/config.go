package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

// Config is what a Server is made of. Keys, Answers and Domains are required; an operation whose
// interface is nil answers 503.
type Config struct {
	Keys    Keys
	Answers Answers
	Domains []string // that are served; the first speaks for a key of all domains that names none

	Sender    Sender
	Asker     Asker
	Rooms     Rooms
	Sessions  Sessions
	Inboxes   Inboxes
	Resources Resources
	Webhooks  Webhooks

	Connectors Connectors

	// Mount is further handlers behind the same keys and limits.
	Mount []Mounted

	// Traceparent tells whether a text is one. Then a request's header of that name is that of the message, notification or command
	// that it sends, too, unless that has one: W3C Trace Context. Default: the header is not looked at.
	Traceparent func(text string) bool

	// Rate is how many requests a second one key may make here, each operation of a batch counted as
	// one; twice that at once, and 100 at least. Default 100, negative for no limit.
	Rate int

	// MaxBody bounds the body of a request, and MaxEnvelope an envelope that is made of it. Keep
	// MaxEnvelope at what edges take. Defaults 1 MiB and 512 KiB.
	MaxBody, MaxEnvelope int

	// MaxRequests is how many requests are worked on at once; more are refused with 503. Default 1024.
	MaxRequests int

	// BodyTimeout is how long a request may take to come, head and body. Default 10s.
	BodyTimeout time.Duration

	// MaxWait is how long a request may ask to wait for an event. Default 30s.
	MaxWait time.Duration

	// DrainTimeout is how long requests that are under way have at the end; those that wait for an event
	// have three quarters of it. Default 10s.
	DrainTimeout time.Duration

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Mounted is a handler of another package. It writes its own answers, and is called when the key has
// Scope. CallerOf tells it whose request it is.
type Mounted struct {
	Pattern string // as of http.ServeMux, with a method
	Scope   Scope
	Handler http.Handler
}

func (c Config) withDefaults() (Config, error) {
	for _, v := range []struct {
		of   *int
		when int
	}{{&c.Rate, 100}, {&c.MaxBody, 1 << 20}, {&c.MaxEnvelope, 512 << 10}, {&c.MaxRequests, 1024}} {
		if *v.of == 0 {
			*v.of = v.when
		}
	}
	for _, v := range []struct {
		of   *time.Duration
		when time.Duration
	}{{&c.BodyTimeout, 10 * time.Second}, {&c.MaxWait, 30 * time.Second}, {&c.DrainTimeout, 10 * time.Second}} {
		if *v.of <= 0 {
			*v.of = v.when
		}
	}
	if c.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		c.Logger = silent
	}
	switch {
	case c.Keys == nil || c.Answers == nil:
		return c, errors.New("api: needs keys and answers")
	case len(c.Domains) == 0:
		return c, errors.New("api: needs a domain")
	}
	for _, m := range c.Mount {
		if _, path, ok := strings.Cut(m.Pattern, " "); !ok || !strings.HasPrefix(path, "/") {
			return c, errors.New("api: the pattern " + m.Pattern + " is not a method and a path")
		}
	}
	return c, nil
}
