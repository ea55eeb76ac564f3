package redistest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"limegrove/internal/childtest"
)

const slots = 16384

// Cluster is a Redis cluster of redis-server processes.
type Cluster struct {
	Masters  []*Server // as it was made; a failover may change it
	Replicas []*Server // the first of them of the first master, and so on in turn
}

// StartCluster starts a cluster and waits until all of it is well.
func StartCluster(t testing.TB, masters, replicas int) *Cluster {
	t.Helper()
	c := &Cluster{}
	var all []*redis.Client
	var bus []int
	for i := range masters + replicas {
		port := childtest.FreePort(t)
		s := Start(t,
			"--cluster-enabled", "yes",
			"--cluster-port", strconv.Itoa(port),
			"--cluster-node-timeout", "2000",
			"--cluster-replica-validity-factor", "0",
		)
		bus = append(bus, port)
		all = append(all, s.Client())
		if i < masters {
			c.Masters = append(c.Masters, s)
		} else {
			c.Replicas = append(c.Replicas, s)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must := func(what string, err error) {
		if err != nil {
			t.Fatalf("make a Redis cluster: %s: %v", what, err)
		}
	}
	for i, m := range all {
		must("epoch", m.Do(ctx, "cluster", "set-config-epoch", i+1).Err())
		if i < masters {
			must("slots", m.ClusterAddSlotsRange(ctx, i*slots/masters, (i+1)*slots/masters-1).Err())
		}
	}
	for i, s := range append(c.Masters[1:len(c.Masters):len(c.Masters)], c.Replicas...) {
		must("meet", all[0].Do(ctx, "cluster", "meet", host, s.Port, bus[i+1]).Err())
	}
	for _, m := range all {
		eventually(t, "all servers know each other", func(ctx context.Context) error {
			return want(m.ClusterInfo(ctx), "cluster_known_nodes:"+strconv.Itoa(len(all))+"\r")
		})
	}
	for i, r := range all[masters:] {
		id, err := all[i%masters].ClusterMyID(ctx).Result()
		must("id", err)
		eventually(t, "a replica knows its master", func(ctx context.Context) error {
			return r.ClusterReplicate(ctx, id).Err()
		})
	}
	for _, m := range all {
		eventually(t, "the cluster is well", func(ctx context.Context) error {
			return want(m.ClusterInfo(ctx), "cluster_state:ok")
		})
	}
	for _, r := range all[masters:] {
		eventually(t, "a replica follows", func(ctx context.Context) error {
			return want(r.Info(ctx, "replication"), "master_link_status:up")
		})
	}
	for i := range all {
		eventually(t, "all agree who is a replica", func(ctx context.Context) error {
			nodes, err := all[i].ClusterNodes(ctx).Result()
			if n := strings.Count(nodes, "slave"); err == nil && n != replicas {
				err = fmt.Errorf("%d of %d replicas in:\n%s", n, replicas, nodes)
			}
			return err
		})
	}
	return c
}

// URL names all masters.
func (c *Cluster) URL() string {
	var addrs []string
	for _, m := range c.Masters {
		addrs = append(addrs, m.Addr())
	}
	return "redis+cluster://" + strings.Join(addrs, ",")
}

// want returns an error unless the answer of cmd contains text.
func want(cmd *redis.StringCmd, text string) error {
	got, err := cmd.Result()
	if err == nil && !strings.Contains(got, text) {
		err = fmt.Errorf("no %q in:\n%s", text, got)
	}
	return err
}
