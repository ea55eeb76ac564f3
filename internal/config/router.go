package config

import "io"

// Router is the command line of the router.
type Router struct {
	Shared
	API API
	// Recipients is whom messages of the API are stored for: what edges say. Default known.
	Recipients Recipients
}

// ParseRouter reads the router's command line, as [ParseEdge] reads the edge's.
// A router embeds nothing: NATS and Redis must be named.
func ParseRouter(args []string, getenv func(string) string, out io.Writer) (Router, error) {
	var r Router
	b := newBinder("router", "A router answers the commands that are addressed to the server.")

	b.group("Stores")
	b.stores(&r.Shared, "")
	b.domains(&r.Domains)
	b.groupBounds(&r.Shared)
	b.rooms(&r.Shared)
	b.member(&r.Shared)
	b.logins(&r.Logins)
	b.webhooks(&r.Shared)
	b.api(&r.API)
	b.recipients(&r.Recipients)
	b.group("High-templar")
	b.highTemplarRooms(&r.HighTemplarRooms)
	b.highTemplarTriggers(&r.HighTemplarTriggers)
	b.process(&r.Shared)

	if err := b.parse(args, getenv, out); err != nil {
		return Router{}, err
	}
	if err := r.validate(true); err != nil {
		return Router{}, err
	}
	var c check
	r.API.validate(&c)
	c.recipients(r.Recipients)
	if c.err != nil {
		return Router{}, c.err
	}
	return r, nil
}
