package presence_test

import (
	"context"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"limegrove/internal/redistest"
	"limegrove/presence/presencetest"
)

func TestOnEmbeddedRedis(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	m.ClockTTL(true)
	presencetest.Test(t, presencetest.Redis{
		URL:   "redis://" + m.Addr(),
		Flush: func(testing.TB) { m.FlushAll() },
		Forget: func(t testing.TB) {
			c := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
			defer func() { _ = c.Close() }()
			check(t, c.ScriptFlush(t.Context()).Err())
		},
		Stop:  func(testing.TB) { m.Close() },
		Start: func(t testing.TB) { check(t, m.Restart()) },
	})
}

func TestOnRealRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := s.Client()
	presencetest.Test(t, presencetest.Redis{
		URL:    s.URL(),
		Flush:  func(t testing.TB) { check(t, c.FlushAll(t.Context()).Err()) },
		Forget: func(t testing.TB) { check(t, c.ScriptFlush(t.Context()).Err()) },
		Stop:   func(testing.TB) { s.Stop() },
		Start:  func(testing.TB) { s.Start() },
	})
}

func TestOnRedisCluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3, 3)
	all := append(cluster.Masters[:3:3], cluster.Replicas...)
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: strings.Split(strings.TrimPrefix(cluster.URL(), "redis+cluster://"), ","), DisableIdentity: true,
	})
	t.Cleanup(func() { _ = client.Close() })
	masters := func(t testing.TB, do func(context.Context, *redis.Client) error) {
		check(t, client.ForEachMaster(t.Context(), do))
	}
	presencetest.Test(t, presencetest.Redis{
		URL:    cluster.URL(),
		Shares: len(cluster.Masters),
		Flush: func(t testing.TB) {
			masters(t, func(ctx context.Context, c *redis.Client) error { return c.FlushAll(ctx).Err() })
		},
		Forget: func(t testing.TB) {
			masters(t, func(ctx context.Context, c *redis.Client) error { return c.ScriptFlush(ctx).Err() })
		},
		Stop: func(testing.TB) {
			for _, s := range all {
				s.Stop()
			}
		},
		Start: func(testing.TB) {
			for _, s := range all {
				s.Start()
			}
		},
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
