package config

import (
	"strings"
	"time"
)

// Webhook is an endpoint that is told of events, as the file of -webhooks has them.
type Webhook struct {
	Name     string        `yaml:"name"`
	URL      string        `yaml:"url"`
	Secret   string        `yaml:"secret"`   // signs what it is told
	Events   []string      `yaml:"events"`   // of -events; default all of these
	Domains  []string      `yaml:"domains"`  // whose events it is told; default all
	Batch    int           `yaml:"batch"`    // events in a request at most
	Requests int           `yaml:"requests"` // under way at most, from one router
	Timeout  time.Duration `yaml:"timeout"`  // of a request
	RetryFor time.Duration `yaml:"retry-for"`
}

// leastEventsAge is longer than anybody waits until it tells an event again.
const leastEventsAge = 10 * time.Minute

// webhooks binds what is a router's alone.
func (b *binder) webhooks(s *Shared) {
	b.group("Events, where a router runs")
	b.str(&s.webhooks, "webhooks", "", "YAML `file` with the endpoints that are told of -events")
}

func (s *Shared) readWebhooks() (err error) {
	if s.webhooks == "" {
		return nil
	}
	var c check
	if s.Webhooks, err = readList[Webhook](s.webhooks, "endpoint"); err != nil { // a YAML error may have several lines
		c.that(false, "webhooks", "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
	s.webhooks = ""
	return c.err
}
