package scale

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/loadtest/cluster"
)

// crowd is all clients. Those of talks write to each other, the others are just there.
type crowd struct {
	balancer *balancer
	all      []*client.Client
	talks    []*talk
	moves    atomic.Int64 // sessions that were followed by another
}

// atOnce is how many log in at the same time.
const atOnce = 32

// gather logs so many in. The first ones are the pairs that talk.
func gather(ctx context.Context, b *balancer, sessions, pairs int) (*crowd, error) {
	c := &crowd{balancer: b, all: make([]*client.Client, sessions)}
	for range pairs {
		c.talks = append(c.talks, newTalk())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var logins sync.WaitGroup
	for range atOnce {
		logins.Go(func() {
			for i := int(next.Add(1)) - 1; i < sessions && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				var err error
				if c.all[i], err = c.login(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	logins.Wait()
	if err := context.Cause(ctx); err != nil {
		c.close()
		return nil, err
	}
	for i, t := range c.talks {
		t.sender, t.recipient = c.all[2*i], c.all[2*i+1]
	}
	return c, nil
}

func nameOf(i int) lime.Node {
	return lime.MustParseNode(fmt.Sprintf("c%d@%s/scale", i, cluster.Domain))
}

// login logs the i-th in. Whoever is turned away comes again, wherever the balancer sends it.
func (c *crowd) login(ctx context.Context, i int) (*client.Client, error) {
	cfg := client.Config{
		Node: nameOf(i), NetDial: c.balancer.dial, OnStatus: c.watch(i), Queue: 300,
		Backoff: client.Backoff{First: time.Second, Last: 5 * time.Second},
	}
	if i < 2*len(c.talks) {
		t := c.talks[i/2]
		if cfg.Handler = t.hearing(); i%2 == 1 {
			cfg.Handler, cfg.DuplicateWindow = t.reading(), -1 // what comes twice is to be seen
		}
	}
	for {
		one, err := client.Dial(ctx, "ws://edges/", cfg)
		if err == nil || ctx.Err() != nil {
			return one, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// watch counts the sessions of a client after its first, and has its talk know when it is between two.
func (c *crowd) watch(i int) func(client.Status) {
	began := false
	return func(s client.Status) {
		if i < 2*len(c.talks) {
			c.talks[i/2].changed(time.Now())
		}
		if s.State == client.StateOnline {
			if began {
				c.returns(i)
			}
			began = true
		}
	}
}

// returns notes a session that follows another.
func (c *crowd) returns(i int) {
	c.moves.Add(1)
	if i < 2*len(c.talks) && i%2 == 1 {
		c.talks[i/2].returns(time.Now())
	}
}

// leave has all but so many log out: as many of each edge, and none of those who talk.
func (c *crowd) leave(ctx context.Context, stay int) error {
	talk := 2 * len(c.talks)
	idle := slices.Clone(c.all[talk:])
	slices.SortStableFunc(idle, func(a, b *client.Client) int { return strings.Compare(a.Server().Instance, b.Server().Instance) })
	n := len(c.all) - stay
	c.all = c.all[:talk]
	var going []*client.Client
	for i, one := range idle {
		if i*n/len(idle) != (i+1)*n/len(idle) {
			going = append(going, one)
		} else {
			c.all = append(c.all, one)
		}
	}
	var leaving sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for i := range atOnce {
		leaving.Go(func() {
			for k := i; k < len(going); k += atOnce {
				if err := going[k].Shutdown(ctx); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	leaving.Wait()
	return failed
}

// close ends all that are there.
func (c *crowd) close() {
	for _, one := range c.all {
		if one != nil {
			one.Close()
		}
	}
}
