package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/internal/config"
	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing"
	"limegrove/routing/rooms"
	"limegrove/routing/subject"
)

// openRooms opens what rooms need: a connection to the broker of their own. close ends that.
func openRooms(cfg config.Edge, p *process.Process) (all halls, end func(), err error) {
	nc, err := routing.Connect(routing.ConnectConfig{URL: cfg.NATS, Name: string(p.Incarnation()) + " rooms", Logger: p.Log})
	if err != nil {
		return halls{}, nil, fmt.Errorf("-nats: %w", err)
	}
	return halls{rooms.New(rooms.Config{NATS: nc, Logger: p.Log, Metrics: p.Metrics})}, nc.Close, nil
}

// roomRules reads the rules of a file, or returns none without one.
func roomRules(file string) (rules room.Rules, err error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &rules)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: -room-rules: %w", process.ErrUsage, err)
	}
	return rules, nil
}

// halls fits routing's rooms to what an edge asks of them. In LIME the wildcards of both
// sides stand for any value.
type halls struct{ *rooms.Rooms }

func (h halls) Enter(ctx context.Context, at edge.RoomAddress, o edge.Occupant) (edge.Seat, error) {
	s, err := h.Rooms.Enter(ctx, rooms.Address(at), true, occupant{o})
	if err != nil {
		return nil, reasonOf(err)
	}
	return s, nil
}

func (h halls) Publish(at edge.RoomAddress, envelope []byte) error {
	return reasonOf(h.Rooms.Publish(rooms.Address(at), true, envelope))
}

// occupant fits a session of an edge to rooms.
type occupant struct{ edge.Occupant }

func (o occupant) Hear(_ *rooms.Seat, envelope []byte) error { return o.Deliver(envelope) }

// reasonOf makes those errors reasons that a client is to be told.
func reasonOf(err error) error {
	switch {
	case errors.Is(err, rooms.ErrCrowded):
		return lime.NewReason(lime.CodeAuthorizationQuotaThresholdExceeded, "The room is full")
	case errors.Is(err, subject.ErrTooLong):
		return lime.NewReason(lime.CodeValidationInvalidRecipients, "The name of the room is too long")
	}
	return err
}

var (
	_ edge.Rooms = halls{}
	_ edge.Seat  = (*rooms.Seat)(nil)
)
