package herald

import (
	"slices"
	"time"

	"limegrove/lime"
)

// Event says that something about an identity may have changed.
type Event struct {
	Identity lime.Identity

	// Again says that nobody has seen a change: it is told only if others know something
	// else.
	Again bool
	// Seen says that a session that others saw cannot be seen any more.
	Seen bool
	// Fresh are the instances of the identity's sessions that want to be told of others
	// from now on.
	Fresh []string
	// Doubt says that some of that may have been done before, and is out of date: then others
	// are told whatever they know, and the fresh sessions also of those who are not to be
	// seen. With Again it is about the latter alone.
	Doubt bool
	// Sharing are those with whom it has begun, or ended, to share. They alone are told.
	Sharing []lime.Identity

	// Done is called when all of that is done, and not when it never will be. It does not
	// block. May be nil.
	Done func()
}

// work is what the events of one identity ask for together.
type work struct {
	Event
	at    time.Time // of the last event
	done  []func()
	begun bool // others were told, of that or of what was so then
}

// What one identity may ask for at once; there are fewer sessions of one, and fewer
// commands come in the time of a debounce. What is more is dropped and counted.
const (
	maxFresh   = 256
	maxSharing = 1024
	maxDone    = 64
)

// add adds an event, and returns how much of it there was no room for.
func (w *work) add(e Event, at time.Time) (dropped int) {
	if w.at.IsZero() {
		w.Again = true
	}
	w.at = at
	w.Identity = e.Identity
	w.Again = w.Again && e.Again
	w.Seen = w.Seen || e.Seen
	w.Doubt = w.Doubt || e.Doubt
	for _, f := range e.Fresh {
		switch {
		case slices.Contains(w.Fresh, f):
		case len(w.Fresh) == maxFresh:
			dropped++
		default:
			w.Fresh = append(w.Fresh, f)
		}
	}
	for _, s := range e.Sharing {
		switch {
		case slices.ContainsFunc(w.Sharing, s.EqualFold):
		case len(w.Sharing) == maxSharing:
			dropped++
		default:
			w.Sharing = append(w.Sharing, s)
		}
	}
	if e.Done != nil && len(w.done) < maxDone {
		w.done = append(w.done, e.Done)
	}
	return dropped
}

// merge adds work that was not done.
func (w *work) merge(earlier work) {
	at := earlier.at
	if at.Before(w.at) {
		at = w.at
	}
	e := earlier.Event
	if earlier.begun {
		e.Doubt, e.Again = true, false
	}
	if !w.Identity.IsZero() {
		e.Identity = w.Identity
	}
	w.add(e, at)
	w.done = append(earlier.done, w.done...)
	w.done = w.done[max(0, len(w.done)-maxDone):] // who had the earlier ones has asked again
}
