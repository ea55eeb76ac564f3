package poll

import "sync"

// post is something that its loop must do: call fn, adopt c, or look after it.
type post struct {
	c    *Conn
	open Opener // nil unless c is to be adopted
	fn   func(*Turn)
}

// maxKept is how many posts of capacity an inbox keeps after a burst.
const maxKept = 1024

// inbox is how other goroutines reach a loop. It does not refuse: a connection
// has at most one attention in it, and those who post must bound their own
// posts by what these are about, as one for each request under way.
type inbox struct {
	// Guarded by mu.
	mu     sync.Mutex
	posts  []post
	new    []post // that have newcomers adopted; nobody has posted anything else about these
	asleep bool   // the loop sleeps and must be woken
	sealed bool   // the loop has ended

	// Owned by the loop.
	spare []post
}

// push adds p. wake says that the caller must wake the loop, and ok is false
// when there is no loop any more.
func (in *inbox) push(p post) (wake, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.sealed {
		return false, false
	}
	if p.open != nil && p.c.interest&newcomer != 0 {
		in.new = append(in.new, p)
	} else {
		in.posts = append(in.posts, p)
	}
	wake, in.asleep = in.asleep, false
	return wake, true
}

// sleep says whether the loop may sleep, for all that newcomers want while it rests from them, and from then on push asks
// to wake it.
func (in *inbox) sleep(resting bool) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.asleep = len(in.posts) == 0 && (resting || len(in.new) == 0)
	return in.asleep
}

// take returns what is to be done. It is valid until the next take.
func (in *inbox) take() []post {
	clear(in.spare)
	if cap(in.spare) > maxKept {
		in.spare = nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.asleep = false
	in.posts, in.spare = in.spare[:0], in.posts
	return in.spare
}

// arrivals appends some of the newcomers to all, up to its capacity, in the order in which they have come.
func (in *inbox) arrivals(all []post) []post {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := min(cap(all)-len(all), len(in.new))
	all = append(all, in.new[:n]...)
	clear(in.new[:n])
	if in.new = in.new[n:]; len(in.new) == 0 {
		in.new = nil // so that nothing is kept in front of it
	}
	return all
}

// hasArrivals tells whether newcomers wait to be adopted.
func (in *inbox) hasArrivals() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.new) > 0
}

// seal refuses all further posts, unless there are some.
func (in *inbox) seal() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sealed = len(in.posts)+len(in.new) == 0
	return in.sealed
}
