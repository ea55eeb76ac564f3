package sweep

import (
	"context"
	"fmt"
	"time"

	"limegrove/event"
	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// Events has the platform told what becomes of messages.
type Events interface {
	// Wants tells whether anybody wants to hear of events of a type; it never changes.
	Wants(t event.Type) bool
	// Store returns when the events are stored. An error passes; then all are stored again.
	Store(ctx context.Context, all []event.Event) error
}

// A step is done again until its events are stored, and they are stored before the log is
// purged and before senders are told: so none is lost with a router. They are known by the
// positions of their messages.

// tellAbsent tells of messages that now wait for their recipients: those that were copied, up
// to the first that is not dealt with, or all when that is 0.
func (w *walk) tellAbsent(ctx context.Context, l *lot, reached uint64) error {
	if w.cfg.Events == nil || !w.cfg.Events.Wants(event.MessageAbsent) {
		return nil
	}
	var all []event.Event
	for _, c := range l.copies {
		if reached > 0 && c.Message.Sequence >= reached {
			break
		}
		if l.isBack(c.Message.Sequence) {
			continue
		}
		if e, ok := w.eventOf(event.MessageAbsent, c.Message, nil); ok {
			all = append(all, e)
		}
	}
	return w.storeEvents(ctx, all)
}

// isBack tells whether a message is to be given back.
func (l *lot) isBack(sequence uint64) bool {
	for _, r := range l.back {
		if r.message.Sequence == sequence {
			return true
		}
	}
	return false
}

// tellFailed tells of messages that wait no longer.
func (w *walk) tellFailed(ctx context.Context, list []returned) error {
	if w.cfg.Events == nil || !w.cfg.Events.Wants(event.MessageFailed) {
		return nil
	}
	var all []event.Event
	for _, r := range list {
		if e, ok := w.eventOf(event.MessageFailed, r.message, r.why.reason()); ok {
			all = append(all, e)
		}
	}
	return w.storeEvents(ctx, all)
}

func (w *walk) storeEvents(ctx context.Context, all []event.Event) error {
	if len(all) == 0 {
		return nil
	}
	if err := w.cfg.Events.Store(ctx, all); err != nil {
		return fmt.Errorf("tell of messages: %w", err)
	}
	return nil
}

// eventOf is not ok for what is no message with an id, or for nobody.
func (w *walk) eventOf(what event.Type, m stream.Message, why *lime.Reason) (e event.Event, ok bool) {
	key, _, ok := subject.SplitStored(m.Subject)
	if !ok || !w.tells(m) {
		return e, false
	}
	whom, err := key.Identity()
	if err != nil {
		return e, false
	}
	detail, ok := event.MessageOf(&w.header, m.Data)
	detail.Reason = why
	return event.Event{
		ID: fmt.Sprintf("%s.%d.%d", what, w.p, m.Position), Type: what, Time: time.Now(), Whom: whom, Detail: detail,
	}, ok
}
