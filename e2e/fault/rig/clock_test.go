package rig

import (
	"context"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startRedis starts a rig's Redis alone, and returns a way to ask it.
func startRedis(t *testing.T) (r *Rig, ask func(args ...string) string) {
	t.Helper()
	r = &Rig{cfg: Config{
		Programs: paths, Dir: t.TempDir(), Loopback: true, Print: t.Output(),
		Exited: unasked(func(process, status string) { t.Errorf("%s has ended by itself: %s", process, status) }),
	}}
	if err := r.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "redis-cli", append([]string{"-h", r.Redis.Host}, args...)...)
		text, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
}

func TestClockOfRedisJumpsThereAndBack(t *testing.T) {
	r, ask := startRedis(t)
	if runtime.GOOS != "linux" {
		if r.Clocks() || r.SetRedisClock(time.Minute) == nil {
			t.Error("a clock that cannot be set was taken for one")
		}
		return
	}
	start := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := r.Redis.Start(); err != nil {
			t.Fatal(err)
		}
		if err := r.Redis.Ready(ctx); err != nil {
			t.Fatal(err)
		}
	}
	// Redis answers at some time between two looks at the machine's clock.
	ahead := func(want time.Duration) {
		t.Helper()
		before := time.Now().Add(want).Unix()
		seconds, _, _ := strings.Cut(ask("TIME"), "\n")
		after := time.Now().Add(want).Unix()
		if got, err := strconv.ParseInt(seconds, 10, 64); err != nil || got < before || got > after {
			t.Errorf("Redis's clock shows %s; want %d to %d, %s ahead", seconds, before, after, want)
		}
	}
	set := func(ahead time.Duration) {
		t.Helper()
		if err := r.SetRedisClock(ahead); err != nil {
			t.Fatal(err)
		}
	}
	const jump = time.Hour
	start()
	ahead(0)
	ask("SET", "short", "x", "EX", "1800")
	set(jump)
	ahead(jump)
	if left := ask("GET", "short"); left != "" {
		t.Error("what lasts for half an hour is there when the clock shows an hour more")
	}
	ask("SET", "long", "x", "EX", "1800")
	set(0)
	ahead(0)
	if left, err := strconv.Atoi(ask("TTL", "long")); err != nil || left <= 3600 {
		t.Errorf("what was to last for half an hour lasts for %d s after the jump back, %v; want over an hour", left, err)
	}
	set(jump)
	r.Redis.Kill()
	start()
	ahead(jump)
}
