package roster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"limegrove/document"
	"limegrove/lime"
)

// subscription is a document of either kind.
type subscription struct {
	Subscriber lime.Identity `json:"subscriber"`
	Target     lime.Identity `json:"target"`
}

// The first part of a subscription's keys.
const (
	at = document.Key("at")
	of = document.Key("of")
)

// keys returns where a subscription's two documents are.
func (s subscription) keys() (atTarget, ofSubscriber document.Key, err error) {
	atTarget, err = underTwo(at, s.Target, s.Subscriber)
	if err == nil {
		ofSubscriber, err = underTwo(of, s.Subscriber, s.Target)
	}
	return atTarget, ofSubscriber, err
}

func underTwo(k document.Key, first, second lime.Identity) (document.Key, error) {
	k, err := k.Identity(first)
	if err == nil {
		k, err = k.Identity(second)
	}
	return k, err
}

// Subscribe has a subscriber told of a target's presence; once more changes nothing.
// ErrTooMany says that it is subscribed to as many as it may.
func (s *Store) Subscribe(ctx context.Context, subscriber, target lime.Identity) error {
	sub := subscription{subscriber, target}
	if err := s.subscribe(ctx, sub); err != nil {
		return fmt.Errorf("subscribe %s to %s: %w", subscriber, target, err)
	}
	return nil
}

func (s *Store) subscribe(ctx context.Context, sub subscription) error {
	at, of, err := sub.keys()
	if err != nil {
		return err
	}
	value, err := json.Marshal(sub)
	if err != nil {
		return err
	}
	err = s.subscriptions.Change(ctx, of, func(d document.Document) ([]byte, error) {
		if d.Revision != 0 {
			return value, nil
		}
		all, err := s.Subscriptions(ctx, sub.Subscriber)
		if err == nil && len(all) >= s.maxSubscriptions {
			err = ErrTooMany
		}
		return value, err
	})
	if err != nil {
		return err
	}
	return s.subscriptions.Put(ctx, at, value)
}

// Unsubscribe ends that, and tells whether there was anything to end.
func (s *Store) Unsubscribe(ctx context.Context, subscriber, target lime.Identity) (was bool, err error) {
	at, of, err := subscription{subscriber, target}.keys()
	for _, k := range []document.Key{at, of} {
		if err == nil {
			err = s.subscriptions.Remove(ctx, k)
		}
		if err == nil {
			was = true
		} else if errors.Is(err, document.ErrNotFound) {
			err = nil
		}
	}
	if err != nil {
		return was, fmt.Errorf("unsubscribe %s from %s: %w", subscriber, target, err)
	}
	return was, nil
}

// Subscribers returns who is subscribed to a target.
func (s *Store) Subscribers(ctx context.Context, target lime.Identity) ([]lime.Identity, error) {
	all, err := s.under(ctx, at, target)
	if err != nil {
		return nil, fmt.Errorf("subscribers of %s: %w", target, err)
	}
	ids := make([]lime.Identity, len(all))
	for i := range all {
		ids[i] = all[i].Subscriber
	}
	return ids, nil
}

// Subscriptions returns what somebody is subscribed to.
func (s *Store) Subscriptions(ctx context.Context, subscriber lime.Identity) ([]lime.Identity, error) {
	all, err := s.under(ctx, of, subscriber)
	if err != nil {
		return nil, fmt.Errorf("subscriptions of %s: %w", subscriber, err)
	}
	ids := make([]lime.Identity, len(all))
	for i := range all {
		ids[i] = all[i].Target
	}
	return ids, nil
}

func (s *Store) under(ctx context.Context, k document.Key, i lime.Identity) ([]subscription, error) {
	k, err := k.Identity(i)
	if err != nil {
		return nil, err
	}
	documents, err := s.subscriptions.Under(ctx, k)
	if err != nil {
		return nil, err
	}
	all := make([]subscription, len(documents))
	for n, d := range documents {
		if err := json.Unmarshal(d.Value, &all[n]); err != nil {
			return nil, fmt.Errorf("read %s: %w", d.Key, err)
		}
	}
	return all, nil
}
