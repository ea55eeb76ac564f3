package rig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"limegrove/e2e/fault/history"
	"limegrove/e2e/programs"
)

// SlowEdge is the edge whose way to the brokers and to Redis can be made slow. It leads
// through a proxy always, since connections cannot be moved to one. The other edges have
// none: it accepts for a server that is dead or cut off, and so changes what an edge sees
// of that.
const SlowEdge = "edge-3"

// portProxy is where toxiproxy's HTTP API is, at the edge's address.
const portProxy = 8474

// detour is one edge's way to the servers, through a proxy.
type detour struct {
	process *Process
	brokers []hop
	redis   hop
	client  *http.Client

	mu    sync.Mutex
	ended error // the proxy has ended by itself
}

// hop stands for a server at the edge's address, in the words of toxiproxy's API.
type hop struct {
	Name     string `json:"name"`
	Listen   string `json:"listen"`
	Upstream string `json:"upstream"`
	Enabled  bool   `json:"enabled"`
}

// addDetour leads an edge's way through a proxy. It runs where the edge does, so that
// what is cut from the edge is cut from the proxy.
func (r *Rig) addDetour(edge *Process) error {
	if n, ok := r.network.(*namespaces); ok {
		// The proxy asks a server for one connection after the other, and would take long
		// to see that a cut is healed: its edge gives up after five seconds, and asks anew.
		if err := n.impatient(edge.Name); err != nil {
			return err
		}
	}
	name := edge.Name + "-proxy"
	log, err := r.openLog(name)
	if err != nil {
		return err
	}
	d := &detour{client: &http.Client{Timeout: setting, Transport: &http.Transport{DisableKeepAlives: true}}}
	d.process = &Process{Name: name, Sort: history.Proxy, Host: edge.Host, log: log, once: true, exited: func(e Exit) {
		if e.Asked == 0 {
			d.mu.Lock()
			d.ended = fmt.Errorf("%s has ended by itself: %s", e.Process, e.Status)
			d.mu.Unlock()
		}
		r.cfg.Exited(e)
	}}
	d.process.command = func() *exec.Cmd {
		return r.network.command(edge.Name, r.cfg.Programs.Proxy, "-host", edge.Host, "-port", strconv.Itoa(portProxy))
	}
	d.process.ready = programs.Answers(d.url("version"))
	for i, p := range r.Brokers {
		d.brokers = append(d.brokers, hop{p.Name, at(edge, portNATS+i), at(p, portNATS), true})
	}
	d.redis = hop{r.Redis.Name, at(edge, portRedis), r.redisAddress(), true}
	r.detour = d
	return nil
}

func (d *detour) hops() []hop { return append([]hop{d.redis}, d.brokers...) }

func (d *detour) natsURL() string {
	var all []string
	for _, h := range d.brokers {
		all = append(all, "nats://"+h.Listen)
	}
	return strings.Join(all, ",")
}

// start starts the proxy, with a delay of nothing everywhere.
func (d *detour) start(ctx context.Context) error {
	err := d.process.Start()
	if err == nil {
		err = d.process.Ready(ctx)
	}
	if err == nil {
		err = d.post(ctx, "populate", d.hops())
	}
	if err != nil {
		return err
	}
	return d.each(func(h hop, direction string) error {
		return d.post(ctx, "proxies/"+h.Name+"/toxics", newToxic(direction))
	})
}

// close ends the proxy. An error tells that it had ended by itself: then what its edge
// has seen was no fault of the plan.
func (d *detour) close() error {
	d.process.Kill()
	d.process.log.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ended
}

// each does something for both halves of all connections, at the same time.
func (d *detour) each(do func(h hop, direction string) error) error {
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, h := range d.hops() {
		for _, direction := range []string{"upstream", "downstream"} {
			all.Go(func() {
				err := do(h, direction)
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			})
		}
	}
	all.Wait()
	return errors.Join(errs...)
}
