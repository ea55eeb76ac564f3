package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"limegrove/internal/config"
	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing"
	"limegrove/routing/rooms"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// RoomRules reads the rules of a file, or returns none without one.
func RoomRules(file string) (rules room.Rules, err error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &rules)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: -room-rules: %w", ErrUsage, err)
	}
	return rules, nil
}

// Rules are rules of rooms that may be replaced while they are in use.
type Rules struct{ inForce atomic.Pointer[room.Rules] }

// NewRules begins with these.
func NewRules(first room.Rules) *Rules {
	r := new(Rules)
	r.Store(first)
	return r
}

// Load returns those in force.
func (r *Rules) Load() room.Rules { return *r.inForce.Load() }

// Store puts others in force.
func (r *Rules) Store(next room.Rules) { r.inForce.Store(&next) }

// RoomPublisher returns what publishing to rooms needs, with a connection of its own, which
// the caller closes.
func (p *Process) RoomPublisher(cfg config.Shared, rules *Rules, streams *stream.Streams) (rooms.PublisherConfig, *nats.Conn, error) {
	nc, err := routing.Connect(p.connection(cfg, string(p.Incarnation())+" rooms", "rooms"))
	if err != nil {
		return rooms.PublisherConfig{}, nil, fmt.Errorf("-nats: %w", err)
	}
	c := rooms.PublisherConfig{NATS: nc, Logger: p.Log, Metrics: p.Metrics}
	if rules.Load().Keep() {
		c.Streams, c.History = streams, func(n room.Name) *room.History { return rules.Load().History(n) }
	}
	return c, nc, nil
}

// RoomReason makes those errors of rooms reasons that whoever has asked is to be told.
func RoomReason(err error) error {
	switch {
	case errors.Is(err, rooms.ErrCrowded):
		return lime.NewReason(lime.CodeAuthorizationQuotaThresholdExceeded, "The room is full")
	case errors.Is(err, subject.ErrTooLong):
		return lime.NewReason(lime.CodeValidationInvalidRecipients, "The name of the room is too long")
	case errors.Is(err, rooms.ErrBusy), errors.Is(err, rooms.ErrLate):
		return lime.NewReason(lime.CodeDispatchError, "The room cannot keep it now; it may be sent again with the same id")
	}
	return err
}

// PublishAndWait publishes to a room. Where that keeps it, and the publication has a key, it
// returns when it does.
func PublishAndWait(ctx context.Context, to *rooms.Publisher, at rooms.Address, wild bool, p rooms.Publication) error {
	stored := make(chan error, 1)
	p.Stored = func(err error) { stored <- err }
	later, err := to.Publish(at, wild, p)
	if err != nil || !later {
		return err
	}
	select {
	case err := <-stored:
		return err
	case <-ctx.Done():
		return fmt.Errorf("publish to a room: %w", ctx.Err())
	}
}
