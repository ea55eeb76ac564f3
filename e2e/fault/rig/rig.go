package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"limegrove/e2e/fault/history"
	"limegrove/e2e/programs"
)

// What a rig consists of.
const (
	brokers = 3
	edges   = 3
	routers = 2
)

// Config is what a rig is made of.
type Config struct {
	Programs Programs
	// Dir is an existing folder for the logs and the stores of all processes.
	Dir string
	// Window is the time within which a message that is sent again is recognised, where
	// the programs can be told. Required.
	Window time.Duration
	// Drain is what the drain of an edge may take. Default the edge's own.
	Drain time.Duration
	// Loopback does without network namespaces even where they can be made.
	Loopback bool
	// Exited is told of each process that has ended, before whoever has ended it goes on,
	// and before it is started again. It must not block.
	Exited func(Exit)
	// Print is where people are told what is going on.
	Print io.Writer
}

// Rig is a cluster that runs.
type Rig struct {
	Brokers, Edges, Routers []*Process
	Redis                   *Process

	cfg     Config
	network network
	clock   *clock // Redis's; nil where it cannot be set
	detour  *detour

	mu   sync.Mutex
	cuts map[Cut]int // how often each is wanted
}

// Start starts a cluster and waits until all of it is ready. Close is to be called, not
// after an error.
func Start(ctx context.Context, cfg Config) (*Rig, error) {
	r := &Rig{cfg: cfg, cuts: map[Cut]int{}}
	err := r.open()
	if err == nil {
		err = r.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// open makes the network, and the processes with their addresses.
func (r *Rig) open() error {
	r.network = newLoopback(os.Getpid())
	why := errors.New("as asked for")
	if !r.cfg.Loopback {
		var spaces *namespaces
		if spaces, why = newNamespaces(os.Getpid()); why == nil {
			r.network = spaces
		}
	}
	if why != nil {
		_, _ = fmt.Fprintln(r.cfg.Print, "no partitions, all is on loopback:", why) // nobody to tell is no trouble
	}
	add := func(into *[]*Process, sort string, n int) error {
		for i := range n {
			p, err := r.add(fmt.Sprintf("%s-%d", sort, i+1), sort)
			if err != nil {
				return err
			}
			*into = append(*into, p)
		}
		return nil
	}
	var err error
	if r.Redis, err = r.add(history.Redis, history.Redis); err != nil {
		return err
	}
	err = errors.Join(add(&r.Brokers, history.Broker, brokers), add(&r.Routers, history.Router, routers), add(&r.Edges, history.Edge, edges))
	if err != nil {
		return err
	}
	if r.cfg.Programs.Clock != "" {
		if r.clock, err = openClock(filepath.Join(r.cfg.Dir, r.Redis.Name+".clock")); err != nil {
			return err
		}
	}
	for _, p := range r.Edges {
		if p.Name == SlowEdge {
			if err := r.addDetour(p); err != nil {
				return err
			}
		}
	}
	r.assignCommands()
	return nil
}

func (r *Rig) add(name, sort string) (*Process, error) {
	host, err := r.network.add(name)
	if err != nil {
		return nil, fmt.Errorf("give %s an address: %w", name, err)
	}
	log, err := r.openLog(name)
	return &Process{Name: name, Sort: sort, Host: host, log: log, exited: r.cfg.Exited}, err
}

func (r *Rig) openLog(name string) (*os.File, error) {
	log, err := os.OpenFile(filepath.Join(r.cfg.Dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a log: %w", err)
	}
	return log, nil
}

// start starts what others need before them.
func (r *Rig) start(ctx context.Context) error {
	for _, together := range [][]*Process{append([]*Process{r.Redis}, r.Brokers...), r.Routers, r.Edges} {
		for _, p := range together {
			if err := p.Start(); err != nil {
				return err
			}
		}
		for _, p := range together {
			if err := p.Ready(ctx); err != nil {
				return err
			}
		}
		if together[0] == r.Redis {
			if err := r.streamsReady(ctx); err != nil {
				return err
			}
			if err := r.detour.start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// Processes are all of the cluster's.
func (r *Rig) Processes() (all []*Process) {
	for _, some := range [][]*Process{r.Brokers, r.Edges, r.Routers, {r.Redis}} {
		all = append(all, some...)
	}
	return all
}

// Partitions tells whether the network can be cut.
func (r *Rig) Partitions() bool {
	_, can := r.network.(*namespaces)
	return can
}

// CanPartition tries to make a network that can be cut, and removes it. An error says why
// that cannot be.
func CanPartition() error {
	spaces, err := newNamespaces(os.Getpid())
	if err != nil {
		return err
	}
	return spaces.close()
}

// Cut makes cuts, and Heal takes as many away.
func (r *Rig) Cut(cuts ...Cut) error { return r.change(1, cuts) }

// Heal takes cuts away that Cut has made.
func (r *Rig) Heal(cuts ...Cut) error { return r.change(-1, cuts) }

func (r *Rig) change(by int, cuts []Cut) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range cuts {
		r.cuts[c] += by
	}
	var all []Cut
	for c, n := range r.cuts {
		if n > 0 {
			all = append(all, c)
		}
	}
	return r.network.set(all)
}

// Flush empties Redis.
func (r *Rig) Flush(ctx context.Context) error {
	if err := programs.RedisDo(ctx, r.redisAddress(), "FLUSHALL"); err != nil {
		return fmt.Errorf("empty Redis: %w", err)
	}
	return nil
}

// Close ends all processes at once, and removes the network.
func (r *Rig) Close() error {
	var all sync.WaitGroup
	for _, p := range r.Processes() {
		if p != nil {
			all.Go(func() {
				p.Kill()
				p.log.Close()
			})
		}
	}
	all.Wait()
	if r.clock != nil {
		r.clock.file.Close()
	}
	var err error
	if r.detour != nil {
		err = r.detour.close()
	}
	return errors.Join(err, r.network.close())
}
