package poll

import "time"

// breath is how long what PostSoon was given waits. The runtime's timers are no finer.
const breath = time.Millisecond

// soon is what a loop is to call in a moment, in the order in which it was posted: all of it waits equally long.
type soon struct {
	posts []soonPost
	done  int // how many of the first have been called
}

type soonPost struct {
	at time.Time
	fn func(*Turn)
}

func (s *soon) push(p soonPost) {
	if s.done > maxKept && s.done > len(s.posts)/2 {
		left := copy(s.posts, s.posts[s.done:])
		clear(s.posts[left:])
		s.posts, s.done = s.posts[:left], 0
	}
	s.posts = append(s.posts, p)
}

// pop returns the next one whose time has come, or nil.
func (s *soon) pop(now time.Time) (fn func(*Turn)) {
	if s.done == len(s.posts) || s.posts[s.done].at.After(now) {
		return nil
	}
	p := &s.posts[s.done]
	fn, p.fn = p.fn, nil
	if s.done++; s.done == len(s.posts) {
		s.done = 0
		if s.posts = s.posts[:0]; cap(s.posts) > maxKept {
			s.posts = nil
		}
	}
	return fn
}

// next is when pop must be called; other, if that is sooner and not the zero time, which is never.
func (s *soon) next(other time.Time) time.Time {
	if s.done == len(s.posts) {
		return other
	}
	if at := s.posts[s.done].at; other.IsZero() || at.Before(other) {
		return at
	}
	return other
}
