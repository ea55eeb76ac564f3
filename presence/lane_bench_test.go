package presence

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"limegrove/internal/redistest"
	"limegrove/lime"
)

// BenchmarkPipelining registers different nodes at a real Redis from many goroutines, by a lane and by the
// client library's own ways, and tells what each costs this process and Redis of processor time.
func BenchmarkPipelining(b *testing.B) {
	server := redistest.Start(b)
	client := server.Client()
	if err := client.ScriptLoad(b.Context(), registerScript.text).Err(); err != nil {
		b.Fatal(err)
	}
	s, err := Open(Config{URL: server.URL()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ways := map[string]func(ctx context.Context, key string, args []any) error{
		"Lane": func(ctx context.Context, key string, args []any) error {
			return s.do(ctx, key, s.scriptCall(ctx, registerScript, key, args...))
		},
		"Single": func(ctx context.Context, key string, args []any) error {
			return client.EvalSha(ctx, registerScript.sha, []string{key}, args...).Err()
		},
	}
	for name, o := range map[string]*redis.AutoPipelineOptions{
		"Automatic":  nil,
		"Concurrent": {MaxBatchSize: 256, MaxConcurrentBatches: 4, Unordered: true},
		"FullDuplex": {MaxBatchSize: 256, FullDuplex: true},
	} {
		var all *redis.AutoPipeliner
		if o == nil {
			all, err = client.AutoPipeline()
		} else {
			all, err = client.AutoPipelineWithOptions(o)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = all.Close() })
		ways[name] = func(ctx context.Context, key string, args []any) error {
			return all.Do(ctx, append([]any{"evalsha", registerScript.sha, 1, key}, args...)...).Err()
		}
	}
	var n atomic.Int64
	for name, way := range ways {
		for _, at := range []int{16, 1000} {
			b.Run(fmt.Sprintf("%s/at=%d", name, at), func(b *testing.B) {
				b.SetParallelism(at / 2) // on two processors
				b.ReportAllocs()
				ours, theirs := used(b), usedBy(b, client)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						key, args := registering(n.Add(1))
						if err := way(b.Context(), key, args); err != nil {
							b.Error(err)
						}
					}
				})
				b.ReportMetric(float64((used(b)-ours).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
				b.ReportMetric((usedBy(b, client)-theirs)*1e6/float64(b.N), "redis-cpu-µs/op")
			})
		}
	}
}

func registering(n int64) (key string, args []any) {
	r := Registration{
		Node: lime.Node{Identity: lime.Identity{Name: fmt.Sprint("user", n), Domain: "example.org"}, Instance: "home"},
		Edge: "limegrove-edge-7d9f8b6c5-x2x4z-4f1b9a", Session: fmt.Sprintf("52d59849-19a8-4b2d-86b7-%012x", n), Guest: true,
	}
	key, field, _ := place(r.Node)
	value, holder, _ := encodeValue(&r)
	return key, []any{field, value, holder, "0", ""}
}

// used is the processor time of this process.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// usedBy is that of a Redis, in seconds.
func usedBy(b *testing.B, c redis.UniversalClient) (seconds float64) {
	text, err := c.Info(b.Context(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			s, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			seconds += s
		}
	}
	return seconds
}
