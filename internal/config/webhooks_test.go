package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestWebhooksAreReadFromTheirFile(t *testing.T) {
	file := yamlFile(t, `
- name: push
  url: https://platform.example.net/hooks
  secret: 0123456789abcdef
- name: crm
  url: http://crm/x
  secret: fedcba9876543210
  events: [session.started, session.ended]
  domains: [example.org]
  batch: 10
  requests: 2
  timeout: 3s
  retry-for: 1h
`)
	got := mustParseEdge(t, nil, "-events", "all", "-webhooks", file)
	want := []Webhook{
		{Name: "push", URL: "https://platform.example.net/hooks", Secret: "0123456789abcdef"},
		{
			Name: "crm", URL: "http://crm/x", Secret: "fedcba9876543210", Events: []string{"session.started", "session.ended"},
			Domains: []string{"example.org"}, Batch: 10, Requests: 2, Timeout: 3 * time.Second, RetryFor: time.Hour,
		},
	}
	if !reflect.DeepEqual(got.Webhooks, want) || len(got.Events) != 1 {
		t.Errorf("got %+v, %v", got.Webhooks, got.Events)
	}
	for _, text := range []string{"", "[]", "- name: [", "- nane: x", "name: x", "- timeout: soon"} {
		_, err := ParseEdge([]string{"-webhooks", yamlFile(t, text)}, func(string) string { return "" }, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "-webhooks: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, args := range [][]string{{"-events-age", "1m"}, {"-events-bytes", "1000"}} {
		if _, err := ParseEdge(args, func(string) string { return "" }, nil); err == nil || !strings.HasPrefix(err.Error(), args[0]+": ") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
