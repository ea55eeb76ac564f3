package process

import (
	"errors"
	"strings"
	"testing"
	"time"

	"limegrove/internal/config"
)

func TestWhoIsToldOfEvents(t *testing.T) {
	hook := func(events ...string) config.Webhook {
		return config.Webhook{Name: "push", URL: "http://x/y", Secret: "0123456789abcdef", Events: events}
	}
	cfg := config.Shared{Events: []string{"message.absent", "session.ended"}, EventsAge: 72 * time.Hour}
	cfg.Webhooks = []config.Webhook{hook(), {
		Name: "crm", URL: "https://crm", Secret: "0123456789abcdef", Events: []string{"session.ended"}, Domains: []string{"Example.org"}, Batch: 3, RetryFor: time.Hour,
	}}
	told, err := Events(cfg)
	if err != nil || len(told.Types) != 2 || len(told.Endpoints) != 2 {
		t.Fatalf("%+v, %v", told, err)
	}
	if push, crm := told.Endpoints[0], told.Endpoints[1]; len(push.Events) != 2 || push.Batch != 100 || len(crm.Events) != 1 || crm.Batch != 3 ||
		crm.RetryFor != time.Hour || crm.Domains[0] != "example.org" {
		t.Errorf("%+v", told)
	}
	if told, err := Events(config.Shared{}); err != nil || len(told.Types)+len(told.Endpoints) != 0 {
		t.Errorf("nobody: %+v, %v", told, err)
	}
	for want, change := range map[string]func(*config.Shared){
		"-events: unknown event":            func(c *config.Shared) { c.Events = []string{"x"} },
		"-webhooks: endpoint \"push\": unk": func(c *config.Shared) { c.Webhooks = []config.Webhook{hook("x")} },
		"room.left is not in -events":       func(c *config.Shared) { c.Webhooks = []config.Webhook{hook("room.left")} },
		"is told of no events":              func(c *config.Shared) { c.Events, c.Webhooks = nil, []config.Webhook{hook()} },
		"given twice":                       func(c *config.Shared) { c.Webhooks = []config.Webhook{hook(), hook()} },
	} {
		c := cfg
		change(&c)
		if _, err := Events(c); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
