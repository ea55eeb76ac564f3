package config

import (
	"io"
	"strings"
	"testing"
)

func TestAPIOfARouter(t *testing.T) {
	stores := []string{"-nats", "nats://x", "-redis", "redis://x"}
	r, err := ParseRouter(append(stores, "-api", ":8085"), env{"LIMEGROVE_API_KEY": "0123456789abcdef"}.get, io.Discard)
	if want := (API{Listen: ":8085", Key: "0123456789abcdef", Rate: 100}); err != nil || r.API != want {
		t.Errorf("%+v, %v", r.API, err)
	}
	for _, row := range []struct {
		args string
		says string
	}{
		{"-recipients nobody", "-recipients: "},
		{"-api nowhere", "-api: "},
		{"-api :8085 -api-key short", "-api-key: shorter"},
		{"-api :8085 -api-key 0123456789abcdeé", "-api-key: has what"},
		{"-api :8085 -api-rate -1", "-api-rate: "},
		{"-api :8085 -api-tls-cert c.pem", "-api-tls-cert: goes with -api-tls-key"},
		{"-api-tls-cert c.pem -api-tls-key k.pem", "-api-tls-cert: goes with -api"},
	} {
		args := append(stores[:4:4], strings.Fields(row.args)...)
		_, err := ParseRouter(args, env{}.get, io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), row.says) || strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%s: %v", row.args, err)
		}
		if _, err := ParseEdge(strings.Fields(row.args), env{}.get, io.Discard); err == nil || !strings.HasPrefix(err.Error(), row.says) {
			t.Errorf("an edge with %s: %v", row.args, err)
		}
	}
}

// Who has followed the README has the key in his environment, and starts other processes there.
func TestAKeyWithoutAnAPIIsNoMistake(t *testing.T) {
	if e := mustParseEdge(t, env{"LIMEGROVE_API_KEY": "0123456789abcdef"}); e.API.Key != "" {
		t.Errorf("it has the key %q of no API", e.API.Key)
	}
}

func TestAPIOfAnEdgeNeedsARouterThere(t *testing.T) {
	if e := mustParseEdge(t, nil, "-api", ":8085"); e.API.Listen != ":8085" {
		t.Errorf("%+v", e.API)
	}
	_, err := ParseEdge(append([]string{"-api", ":8085"}, "-nats", "nats://x", "-redis", "redis://x"), env{}.get, io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "-api: needs a router") {
		t.Errorf("without a router: %v", err)
	}
}
