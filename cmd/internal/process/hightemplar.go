package process

import (
	"context"
	"net/http"

	"limegrove/api"
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

// triggersOver takes them over the HTTP API, from keys that may publish to rooms of the domain.
func triggersOver(t *trigger.Triggers, domain string) api.Mounted {
	return api.Mounted{
		Pattern: "POST /trigger/{$}", Scope: api.ScopeRooms,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if key := api.CallerOf(r.Context()); !key.For(domain) {
				http.Error(w, "the key is not for the domain of the rooms", http.StatusForbidden)
				return
			}
			t.ServeHTTP(w, r)
		}),
	}
}
