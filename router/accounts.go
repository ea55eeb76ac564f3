package router

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/internal/complaint"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing"
)

const (
	// madeAgain is when the guests of a new account are ended a second time. It is
	// longer than one of them takes from its login, which was granted before there was
	// the account, to its session.
	madeAgain = 30 * time.Second

	// deletedAfter is when the session that has deleted its own account, or revoked its own
	// key, is ended, and once more those who were on their way in. It has its answer by then.
	deletedAfter = time.Second

	// forgetAgain is when a deletion is told for the last time, for an edge that was cut off before,
	// and what is stored for the account is removed a second time: edges remember for a minute
	// that there was an account.
	forgetAgain = 90 * time.Second

	// eventBacklog bounds how many events wait for each of these.
	eventBacklog = 4096
)

// accountEvents tells the edges of accounts that were made or deleted, since a name has
// one owner at a time, and of keys that were revoked.
type accountEvents struct {
	nats    *nats.Conn
	warn    *complaint.Log
	lost    unrepeated
	has     func(context.Context, lime.Identity) (bool, error) // whether there is an account
	made    chan laterEvent                                    // to be told again; one that does not fit is not
	deleted chan laterEvent                                    // to be told again; one that does not fit is told so at once
	gone    chan laterEvent                                    // deleted, to be told for the last time, and whose messages are to be removed once more
	revoked chan laterEvent                                    // credentials, likewise
	again   chan laterEvent                                    // credentials, to be told for the last time; one that does not fit is not
	forget  func(context.Context, lime.Identity) error         // removes what is stored for an identity

	leave    func(context.Context, lime.Identity) error // takes it out of groups, and back what it has given and was given, rights to rooms included
	farewell func(context.Context, lime.Identity) error // tells its contacts that it is gone, and removes them

	guests func(context.Context, lime.Identity) (bool, error) // whether all who are in session by a name are guests, and some are
}

type laterEvent struct {
	routing.AccountEvent
	at time.Time
}

func newAccountEvents(nc *nats.Conn, warn *complaint.Log, lost unrepeated, has func(context.Context, lime.Identity) (bool, error), forget func(context.Context, lime.Identity) error) *accountEvents {
	return &accountEvents{
		nats: nc, warn: warn, lost: lost, has: has,
		made: make(chan laterEvent, eventBacklog), deleted: make(chan laterEvent, eventBacklog),
		gone: make(chan laterEvent, eventBacklog), forget: forget,
		revoked: make(chan laterEvent, eventBacklog), again: make(chan laterEvent, eventBacklog),
	}
}

// create ends whoever has the name, but for the session that has made the account, and
// again the guests who were on their way in. It does not block.
func (e *accountEvents) create(i lime.Identity, maker lime.Node) {
	e.publish(routing.AccountEvent{Identity: i, Maker: maker})
	e.later(routing.AccountEvent{Identity: i, Maker: maker, GuestsOnly: true})
}

// own ends the guests who have the name of an account that a login has made, and again
// those who were on their way in. It does not block.
func (e *accountEvents) own(i lime.Identity, login lime.Node) {
	guests := routing.AccountEvent{Identity: i, Maker: login, GuestsOnly: true}
	e.publish(guests)
	e.later(guests)
}

func (e *accountEvents) later(made routing.AccountEvent) {
	select {
	case e.made <- laterEvent{made, time.Now().Add(madeAgain)}:
	default:
		e.lost[repeatAccount].Inc()
	}
}

// delete ends the sessions of an account that is no more, but for the one that has asked:
// what is published here leaves before the answer does. It does not block.
func (e *accountEvents) delete(i lime.Identity, by lime.Node) {
	e.publish(sparing(routing.AccountEvent{Identity: i}, by))
}

// deleteAgain ends that one soon, too. It does not block.
func (e *accountEvents) deleteAgain(i lime.Identity) {
	gone := routing.AccountEvent{Identity: i}
	select {
	case e.deleted <- laterEvent{gone, time.Now().Add(deletedAfter)}:
	default:
		e.publish(gone)
		e.tellLast(i)
	}
}

// tellLast has a deletion told once more, and what is stored then removed. It does not block.
func (e *accountEvents) tellLast(i lime.Identity) {
	select {
	case e.gone <- laterEvent{routing.AccountEvent{Identity: i}, time.Now().Add(forgetAgain)}:
	default:
		e.lost[repeatDeletion].Inc()
	}
}

// sparing is an event that leaves the session of who has caused it for a moment.
func sparing(a routing.AccountEvent, by lime.Node) routing.AccountEvent {
	if by.Identity.EqualFold(a.Identity) {
		a.Spared = by
	}
	return a
}

// revoke ends the sessions that were let in by a credential of an account, at once but for
// the one that has asked, soon that one, and again those that were on their way in. It does
// not block.
func (e *accountEvents) revoke(i lime.Identity, credential string, by lime.Node) {
	event, now := routing.AccountEvent{Identity: i, Revoked: credential}, time.Now()
	e.publish(sparing(event, by))
	select {
	case e.revoked <- laterEvent{event, now.Add(deletedAfter)}:
	default:
		e.publish(event)
	}
	select {
	case e.again <- laterEvent{event, now.Add(madeAgain)}:
	default:
		e.lost[repeatKey].Inc()
	}
}

// tell publishes the events of one queue when it is time, until ctx is done. The first
// to come is the first to be told; one that waits then is left to finish.
func (e *accountEvents) tell(ctx context.Context, queue chan laterEvent) {
	for {
		select {
		case <-ctx.Done():
			return
		case later := <-queue:
			select {
			case <-ctx.Done():
				select {
				case queue <- later:
				default: // another has come meanwhile
					e.publish(later.AccountEvent)
				}
				return
			case <-time.After(time.Until(later.at)):
				if e.outdated(ctx, later.AccountEvent) {
					continue
				}
				if queue != e.gone || !e.guestsHave(ctx, later.Identity) {
					e.publish(later.AccountEvent)
				}
				if later.Maker.IsZero() && later.Revoked == "" {
					e.remove(ctx, later.Identity, queue != e.gone)
				}
			}
		}
	}
}

// outdated tells whether a deleted account was made again. That has ended the sessions of
// the earlier one already, and removed what was stored for it; what there is now is its
// new owner's.
func (e *accountEvents) outdated(ctx context.Context, a routing.AccountEvent) bool {
	if !a.Maker.IsZero() || a.Revoked != "" {
		return false
	}
	again, err := e.has(ctx, a.Identity)
	if err != nil { // rather a session too few than one of somebody else
		e.warn.Warn("could not look whether an account was made again", err)
	}
	return err == nil && again
}

// guestsHave tells whether the name of a deleted account is only guests' by now, whom its deletion
// would end: there was time for some to come.
func (e *accountEvents) guestsHave(ctx context.Context, i lime.Identity) bool {
	limited, cancel := context.WithTimeout(ctx, forgetTimeout)
	defer cancel()
	have, err := e.guests(limited, i)
	if err != nil && ctx.Err() == nil { // as when it is not known whether there is an account
		e.warn.Warn("could not look who has the name of a deleted account", err)
	}
	return err == nil && have
}

// guestsAlone is accountEvents.guests, by what is registered.
func guestsAlone(r Registry) func(context.Context, lime.Identity) (bool, error) {
	return func(ctx context.Context, i lime.Identity) (bool, error) {
		view, err := r.RawView(ctx, i)
		isMember := func(r presence.Registration) bool { return !r.Guest }
		return err == nil && len(view.Registrations) > 0 && !slices.ContainsFunc(view.Registrations, isMember), err
	}
}

// remove removes what is stored for a deleted account, and again later: the messages
// are not its next owner's.
func (e *accountEvents) remove(ctx context.Context, i lime.Identity, again bool) {
	limited, cancel := context.WithTimeout(ctx, forgetTimeout)
	defer cancel()
	if err := e.forget(limited, i); err != nil && ctx.Err() == nil {
		e.warn.Warn("could not remove what is stored for a deleted account", err)
	}
	if again {
		e.tellLast(i)
	}
}

// begin removes what an earlier account of the name has left, and what its last sessions
// have stored since it was deleted, before somebody hears that the name is his. An account
// whose name cannot be had clean is undone.
func (e *accountEvents) begin(ctx context.Context, i lime.Identity, undo func(context.Context, lime.Identity) error) error {
	limited, cancel := context.WithTimeout(ctx, forgetTimeout)
	defer cancel()
	err := e.forget(limited, i)
	if err == nil {
		return nil
	}
	undone, stop := context.WithTimeout(context.WithoutCancel(ctx), forgetTimeout)
	defer stop()
	return fmt.Errorf("remove what an earlier account of %s has left: %w", i, errors.Join(err, undo(undone, i)))
}

// forgetTimeout bounds one removal; the next event waits for it.
const forgetTimeout = 5 * time.Second

func (e *accountEvents) publish(a routing.AccountEvent) {
	if err := routing.TellAccount(e.nats, a); err != nil {
		e.warn.Warn("could not tell of an account", err)
	}
}
