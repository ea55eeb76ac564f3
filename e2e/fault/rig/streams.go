package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// streamsReady waits until the brokers have agreed on who leads them.
func (r *Rig) streamsReady(ctx context.Context) error {
	for {
		err := r.withStreams(ctx, func(ctx context.Context, js jetstream.JetStream, _ *nats.Conn) error {
			_, err := js.AccountInfo(ctx)
			return err
		})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the brokers have no streams: %w", err)
		case <-time.After(poll):
		}
	}
}

// withStreams connects to whichever broker answers. What is done has a few seconds: a
// question asked while the brokers look for a leader may never be answered.
func (r *Rig) withStreams(ctx context.Context, do func(context.Context, jetstream.JetStream, *nats.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, reply)
	defer cancel()
	nc, err := nats.Connect(r.natsURL(), nats.Timeout(reply), nats.Name("fault"), nats.NoReconnect())
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	return do(ctx, js, nc)
}

// Streams lists the streams, in the order of their names.
func (r *Rig) Streams(ctx context.Context) (names []string, err error) {
	err = r.withStreams(ctx, func(ctx context.Context, js jetstream.JetStream, _ *nats.Conn) error {
		list := js.StreamNames(ctx)
		for name := range list.Name() {
			names = append(names, name)
		}
		return list.Err()
	})
	slices.Sort(names)
	return names, err
}

// Leader finds the broker that leads a stream.
func (r *Rig) Leader(ctx context.Context, stream string) (leader *Process, err error) {
	err = r.withStreams(ctx, func(ctx context.Context, js jetstream.JetStream, _ *nats.Conn) error {
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return fmt.Errorf("find the leader of %s: %w", stream, err)
		}
		if cluster := s.CachedInfo().Cluster; cluster != nil {
			for _, p := range r.Brokers {
				if p.Name == cluster.Leader {
					leader = p
				}
			}
		}
		if leader == nil {
			return fmt.Errorf("find the leader of %s: there is none", stream)
		}
		return nil
	})
	return leader, err
}

// StepDown has the leader of a stream give way to another.
func (r *Rig) StepDown(ctx context.Context, stream string) error {
	return r.withStreams(ctx, func(ctx context.Context, _ jetstream.JetStream, nc *nats.Conn) error {
		answer, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+stream, nil)
		if err != nil {
			return fmt.Errorf("have the leader of %s step down: %w", stream, err)
		}
		var refusal struct{ Error *struct{ Description string } }
		if err := json.Unmarshal(answer.Data, &refusal); err != nil {
			return fmt.Errorf("have the leader of %s step down: %w", stream, err)
		}
		if refusal.Error != nil {
			return errors.New("have the leader of " + stream + " step down: " + refusal.Error.Description)
		}
		return nil
	})
}
