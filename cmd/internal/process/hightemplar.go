package process

import (
	"context"

	"limegrove/internal/config"
	"limegrove/room"
	"limegrove/routing/rooms"
	"limegrove/trigger"
)

// Sides is whose wildcard stands for any value in high-templar's rooms.
func Sides(w config.Wildcards) room.Sides {
	switch w {
	case config.WildcardsExpand:
		return room.Publisher
	case config.WildcardsBoth:
		return room.Both
	default:
		return room.Neither
	}
}

// Triggers makes what takes high-templar's triggers, which are published by to.
func (p *Process) Triggers(cfg config.Shared, to *rooms.Publisher) *trigger.Triggers {
	return trigger.New(trigger.Config{
		Domain: cfg.HighTemplarRooms.Rooms, Wildcards: Sides(cfg.HighTemplarRooms.Wildcards),
		Publish: func(domain string, n room.Name, wild bool, envelope []byte) error {
			_, err := to.Publish(rooms.Address{Domain: domain, Name: n}, wild, rooms.Publication{Envelope: envelope})
			return err
		},
		Logger: p.Log, Metrics: p.Metrics,
	})
}

// TakeTriggers takes them until ctx is done, in parts of their own.
func (p *Process) TakeTriggers(ctx context.Context, parts *Group, cfg config.Shared, t *trigger.Triggers) {
	from := cfg.HighTemplarTriggers
	if from.AMQP != "" {
		parts.Go("triggers from the message queue", func() error {
			t.TakeFromQueue(ctx, trigger.Queue{URL: from.AMQP, Exchange: from.Exchange, Name: cfg.ID})
			return nil
		})
	}
	if from.Subject != "" {
		parts.Go("triggers on a subject", func() error { return t.TakeFromSubject(ctx, p.NATS, from.Subject) })
	}
}
