package load

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"limegrove/edge/auth"
	"limegrove/lime"
	"limegrove/routing"

	"limegrove/loadtest/cluster"
)

// askRouter asks the router as edges do, so that this machine need not carry the
// connections of a storm that would come over many edges.
func (c *servers) askRouter() (ask func(ctx context.Context, i int, name, password string) ([]byte, error), end func(), err error) {
	nc, err := nats.Connect(cluster.Join(c.Brokers, "nats://", cluster.PortNATS))
	if err != nil {
		return nil, nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return func(ctx context.Context, i int, name, password string) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, dialPatience)
		defer cancel()
		question, err := json.Marshal(auth.Request{
			Scheme: auth.SchemePlain,
			Node: lime.Node{
				Identity: lime.Identity{Name: name, Domain: domain}, Instance: fmt.Sprint(i),
			},
			Credentials: fmt.Appendf(nil, `{"password":%q}`, base64.StdEncoding.EncodeToString([]byte(password))),
		})
		if err != nil {
			return nil, err
		}
		return routing.AskLogin(ctx, nc, string(auth.SchemePlain), question)
	}, nc.Close, nil
}

// askEdges tries to log in at the edges, each login over a connection of its own.
func (c *servers) askEdges() (ask func(ctx context.Context, i int, name, password string) ([]byte, error), end func(), err error) {
	return c.tryLogin, func() {}, nil
}

// StormWay is how the logins of a storm come.
type StormWay string

// The ways.
const (
	ToRouter StormWay = "router" // as edges ask it
	ToEdges  StormWay = "edges"  // over a WebSocket each
)

// ParseStormWay reads how they come.
func ParseStormWay(text string) (StormWay, error) {
	switch w := StormWay(text); w {
	case ToRouter, ToEdges:
		return w, nil
	}
	return "", fmt.Errorf("logins go to %s or %s, not to %q", ToRouter, ToEdges, text)
}
