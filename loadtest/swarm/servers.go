package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"limegrove/e2e/programs"
	"limegrove/loadtest/cluster"
	"limegrove/loadtest/fleet"
	"limegrove/loadtest/measure"
	"limegrove/loadtest/protocol/limews"
	"limegrove/loadtest/scenario"
)

// limegrove is the name of the server that is a cluster of this module's programs.
const limegrove = "limegrove"

// prepare builds what servers are started from.
func (o *options) prepare(ctx context.Context, dir string) (err error) {
	switch {
	case len(o.to) > 0:
		return nil
	case o.kind != nil:
		return o.kind.Prepare(ctx, dir)
	}
	o.cluster.Recipients = "known"
	if o.cluster.Programs, err = o.find(ctx, dir); err != nil {
		return err
	}
	if o.cluster.RoomRules, err = roomRules(o, dir); err != nil {
		return err
	}
	if o.plan.TLS {
		certificate, key, err := cluster.Certificate(dir)
		if err != nil {
			return err
		}
		o.cluster.Args = append([]string{"-tls-cert", certificate, "-tls-key", key}, o.cluster.Args...)
	}
	return nil
}

// find builds the programs, or finds those that are.
func (o *options) find(ctx context.Context, dir string) (programs.Paths, error) {
	if o.programs != "" {
		return programs.Find(ctx, o.programs)
	}
	return programs.Build(ctx, dir, false)
}

// roomRules writes the file that lets clients into their rooms.
func roomRules(o *options, dir string) (path string, err error) {
	rules := `[{"room":"` + limews.Rooms + `/*","may":["enter","publish"]}]`
	if o.plan.Load.Mode != scenario.Transient {
		rules = `[{"room":"` + limews.Rooms + `/*","may":["enter","publish"],"history":{}}]`
	}
	path = filepath.Join(dir, "rooms.json")
	return path, os.WriteFile(path, []byte(rules), 0o600)
}

// start starts servers, or takes those that run. The function that it returns ends what it has started.
func (o *options) start(ctx context.Context, dir string, out io.Writer) (target measure.Target, end func(), err error) {
	if len(o.to) > 0 {
		target = measure.Target{Servers: o.to, Groups: o.groups}
		if len(o.admin) > 0 {
			target.Collect = o.collect
		}
		return target, func() {}, nil
	}
	if dir, err = os.MkdirTemp(dir, "servers-"); err != nil {
		return target, nil, err
	}
	if o.kind != nil {
		s, err := o.kind.Start(ctx, dir)
		if err != nil {
			return target, nil, err
		}
		return s.Target, s.Close, nil
	}
	return o.startCluster(ctx, dir, out)
}

func (o *options) startCluster(ctx context.Context, dir string, out io.Writer) (target measure.Target, end func(), err error) {
	cfg := o.cluster
	cfg.Dir = dir
	c, err := cluster.Start(ctx, cfg)
	if err != nil {
		return target, nil, err
	}
	target = measure.Target{Servers: addressesOf(c), Groups: c.Groups(), Collect: c.Collect, Dropped: c.Dropped, Pauses: c.Pauses}
	aside := func() {}
	if o.aside {
		if cfg.Dir, err = os.MkdirTemp(dir, "aside-"); err != nil {
			c.Close()
			return target, nil, err
		}
		var second *cluster.Cluster
		begin := func() (err error) {
			second, err = cluster.Start(ctx, cfg)
			return err
		}
		if o.plan.Processor != nil { // that of the attackers
			err = fleet.On(*o.plan.Processor, begin)
		} else {
			err = begin()
		}
		if err != nil {
			c.Close()
			return target, nil, err
		}
		target.Attacked, target.Dropped, aside = addressesOf(second), second.Dropped, second.Close
	}
	profiled := func() {}
	if o.profiles != "" {
		profiled = profile(ctx, o, c, out)
	}
	return target, func() {
		profiled()
		aside()
		c.Close()
	}, nil
}

func addressesOf(c *cluster.Cluster) (all []netip.AddrPort) {
	for _, e := range c.Edges {
		all = append(all, netip.MustParseAddrPort(e.At(cluster.PortEdge)))
	}
	return all
}

// collect has servers collect their garbage.
func (o *options) collect(ctx context.Context) error {
	for _, page := range o.admin {
		if err := cluster.Collect(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// profile profiles the cluster in the middle of the load. The function that it returns waits for
// that.
func profile(ctx context.Context, o *options, c *cluster.Cluster, out io.Writer) (wait func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-ctx.Done():
			return
		case <-time.After(o.settle + o.warmup + o.duration/4):
		}
		if err := c.Profile(ctx, o.profiles, o.duration/2); err != nil {
			_, _ = fmt.Fprintf(out, "profiles: %v\n", err)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
