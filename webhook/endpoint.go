package webhook

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"limegrove/event"
	"limegrove/routing/events"
)

// Endpoint is whom events are told. Name, URL, Secret and Events are required.
type Endpoint struct {
	// Name is what its place and its dead letters are known by: 1 to 64 characters of a-z, 0-9
	// and -. Under another name it begins anew.
	Name string

	// URL is http or https. Redirects are not followed.
	URL string

	// Secret signs what is posted; 16 bytes at least.
	Secret []byte

	// Events are the types that it is told, and Domains those of identities whose events it
	// is told. Default of Domains: all.
	Events  []event.Type
	Domains []string

	// Batch is how many events are posted at once at most. Default 100, 1,000 at most.
	Batch int

	// Requests is how many are under way to it at most, from one router. More of them are
	// faster when there are several partitions. Default 8.
	Requests int

	// Timeout bounds a request, the answer included. Default 10s.
	Timeout time.Duration

	// RetryFor is how old an event may be when a try has failed, and be tried again. Default
	// 24h; well below the age that events are kept for.
	RetryFor time.Duration
}

// Check fills in the defaults, or says what cannot be. kept is for how long events are kept.
func Check(all []Endpoint, kept time.Duration) error {
	names := map[string]bool{}
	for i := range all {
		e := &all[i]
		e.setDefaults()
		if err := e.check(kept); err != nil {
			return fmt.Errorf("endpoint %q: %w", e.Name, err)
		}
		if names[e.Name] {
			return fmt.Errorf("endpoint %q is given twice", e.Name)
		}
		names[e.Name] = true
	}
	return nil
}

func (e *Endpoint) setDefaults() {
	if e.Batch == 0 {
		e.Batch = 100
	}
	if e.Requests == 0 {
		e.Requests = 8
	}
	if e.Timeout == 0 {
		e.Timeout = 10 * time.Second
	}
	if e.RetryFor == 0 {
		e.RetryFor = 24 * time.Hour
	}
	for i, d := range e.Domains {
		e.Domains[i] = strings.ToLower(d)
	}
}

func (e *Endpoint) check(kept time.Duration) error {
	u, err := url.Parse(e.URL)
	switch {
	case e.Name == "" || len(e.Name) > 64 || strings.Trim(e.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return errors.New("its name is not 1 to 64 characters of a-z, 0-9 and -")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "": // the text may have a password
		return errors.New("its url is not http:// or https:// and a host")
	case len(e.Secret) < 16:
		return errors.New("its secret is shorter than 16 bytes")
	case len(e.Events) == 0:
		return errors.New("it is told of no events")
	case e.Batch < 1 || e.Batch > 1000:
		return errors.New("a batch has 1 to 1,000 events")
	case e.Requests < 1 || e.Requests > 1000:
		return errors.New("there are 1 to 1,000 requests under way")
	case e.Timeout < time.Millisecond || e.Timeout > 5*time.Minute:
		return errors.New("its timeout is between 1ms and 5m")
	case e.RetryFor < 0 || e.RetryFor >= kept:
		return fmt.Errorf("it is tried for less time than events are kept for, %s", kept)
	}
	return nil
}

// wants tells whether it is told of an event.
func (e *Endpoint) wants(s *events.Stored) bool {
	return (s.Endpoint == "" || s.Endpoint == e.Name) && slices.Contains(e.Events, s.Type) &&
		(len(e.Domains) == 0 || slices.Contains(e.Domains, s.Domain))
}
