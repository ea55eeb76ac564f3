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
	r, _, err := ReadRouter(args, getenv, out)
	return r, err
}

// ReadRouter is ParseRouter that tells, too, what was given and by what.
func ReadRouter(args []string, getenv func(string) string, out io.Writer) (Router, *Settings, error) {
	var r Router
	b := r.bind()
	if err := b.parse(args, getenv, out); err != nil {
		return Router{}, nil, err
	}
	given := b.settings()
	if err := r.finish(); err != nil {
		return Router{}, nil, err
	}
	return r, given.with(map[string]string{"hightemplar-rooms": r.HighTemplarRooms.Rooms}), nil
}

// RouterOf is the router that has these settings, as ReadRouter returned them or [Settings.Next] made them of two such. It
// reads the files that they name.
func RouterOf(s *Settings) (Router, error) {
	var r Router
	b := r.bind()
	if err := b.take(s); err != nil {
		return Router{}, err
	}
	if err := r.finish(); err != nil {
		return Router{}, err
	}
	return r, nil
}

// bind binds the fields to flags.
func (r *Router) bind() *binder {
	b := newBinder("router", "A router answers the commands that are addressed to the server.")
	b.group("Stores")
	b.stores(&r.Shared, "")
	b.domains(&r.Domains)
	b.group("Groups and rooms")
	b.groupBounds(&r.Shared)
	b.rooms(&r.Shared)
	b.files(&r.Files)
	b.member(&r.Shared)
	b.logins(&r.Logins)
	b.authority(&r.Authority)
	b.webhooks(&r.Shared)
	b.api(&r.API)
	b.recipients(&r.Recipients)
	b.group("High-templar")
	b.highTemplarRooms(&r.HighTemplarRooms)
	b.highTemplarTriggers(&r.HighTemplarTriggers)
	b.tracing(&r.Tracing)
	b.process(&r.Shared)
	return b
}

// finish validates what the fields were given.
func (r *Router) finish() error {
	if err := r.validate(true); err != nil {
		return err
	}
	var c check
	r.API.validate(&c)
	c.recipients(r.Recipients)
	return c.err
}
