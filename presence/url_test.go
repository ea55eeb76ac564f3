package presence

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestURLsChooseTheClient(t *testing.T) {
	for url, want := range map[string]string{
		"redis://h":                        "h:6379",
		"redis://:p@h:1/2?pool_size=3":     "h:1",
		"rediss://u:p@h:1":                 "tls h:1",
		"redis+cluster://h:1":              "cluster h:1",
		"redis+cluster://u:p@h:1,i:2,j":    "cluster h:1 i:2 j:6379",
		"redis://h:1,i:2":                  "cluster h:1 i:2",
		"rediss+cluster://h:1,i:2/":        "tls cluster h:1 i:2",
		"redis://h:1,i:2?read_timeout=10s": "cluster h:1 i:2",
	} {
		client, cluster, err := dial(url, time.Second)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		var got []string
		switch c := client.(type) {
		case *redis.Client:
			if c.Options().TLSConfig != nil {
				got = append(got, "tls")
			}
			got = append(got, c.Options().Addr)
		case *redis.ClusterClient:
			if c.Options().TLSConfig != nil {
				got = append(got, "tls")
			}
			got = append(append(got, "cluster"), c.Options().Addrs...)
		}
		if strings.Join(got, " ") != want || cluster != slices.Contains(got, "cluster") {
			t.Errorf("%s gives %s, want %s", url, got, want)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBadConfigurationsAreRefusedWithoutThePassword(t *testing.T) {
	for _, cfg := range []Config{
		{},
		{URL: "localhost:6379"},
		{URL: "http://:secret@h"},
		{URL: "redis://"},
		{URL: "redis://:secret@h/no-number"},
		{URL: "redis://:secret@h:port"},
		{URL: "redis://:secret@h?nonsense=1"},
		{URL: "redis+cluster://:secret@h:1?nonsense=1"},
		{URL: "redis://h", Batch: -1},
		{URL: "redis://h", SweepBatch: -1},
		{URL: "redis://h", SweepBatch: 1001},
		{URL: "redis://h", Timeout: -1},
		{URL: "redis://h", LeaseTTL: 5 * time.Second},
	} {
		s, err := Open(cfg)
		if err == nil {
			_ = s.Close()
			t.Errorf("%+v was taken", cfg)
			continue
		}
		if strings.Contains(err.Error(), "secret") || !strings.HasPrefix(err.Error(), "open presence: ") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
