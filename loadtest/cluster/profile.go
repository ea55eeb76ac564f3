package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Profile has each edge, and the first broker, profiled for a time.
func (c *Cluster) Profile(ctx context.Context, dir string, long time.Duration) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	get := func(p *Process, port, page, file string) {
		all.Go(func() {
			text, err := Fetch(ctx, "http://"+p.At(port)+"/debug/pprof/"+page)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, p.Name+file), text, 0o600)
			}
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	cpu := fmt.Sprintf("profile?seconds=%d", max(1, int(long.Seconds())))
	for _, p := range c.Edges {
		get(p, PortAdmin, cpu, ".cpu")
	}
	get(c.Routers[0], PortAdmin, cpu, ".cpu")
	get(c.Brokers[0], PortProfile, cpu, ".cpu")
	all.Wait()
	get(c.Edges[0], PortAdmin, "allocs", ".allocs")
	get(c.Edges[0], PortAdmin, "heap?gc=1", ".heap")
	get(c.Edges[0], PortAdmin, "goroutine?debug=1", ".goroutines")
	all.Wait()
	return failed
}
