package load

import (
	"context"

	"limegrove/loadtest/cluster"
)

// domain is what the cluster serves.
const domain = cluster.Domain

// servers is a cluster that runs.
type servers struct{ *cluster.Cluster }

func startServers(ctx context.Context, cfg cluster.Config) (*servers, error) {
	c, err := cluster.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &servers{c}, nil
}
