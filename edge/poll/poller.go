package poll

import "time"

// ready tells that a socket is ready.
type ready struct {
	slot int32
	what interest
	hup  bool // there is an error, or both sides are ended
}

// poller is how a loop sleeps. All but wake is for the loop alone.
type poller interface {
	// wait returns the sockets that are ready, those of newcomers apart, so many of these at most. If there are none and sleep is
	// set, it waits for one, for wake, or until the time, unless that is zero.
	// The slices are valid until the next call.
	wait(sleep bool, until time.Time, newcomers int) (here, late []ready, err error)
	// wake ends a wait, or the next one.
	wake()

	// add watches a socket.
	add(fd int, slot int32, what interest) error
	// change watches it for something else, and remove no more. It stays a newcomer meanwhile, or none.
	change(fd int, slot int32, what interest) error
	remove(fd int, what interest)
	close()
}
