package hightemplar

import (
	"slices"

	"limegrove/edge/dialect"
	"limegrove/room"
)

// subscriptions are a client's, whose requests are JSON. None is looked for among the others:
// a client may have thousands, under one id or of one length, and ask for them as fast as it
// likes. The zero value is empty.
type subscriptions struct {
	all  map[dialect.Subscription]struct{}
	byID map[string][]room.Name
}

func (s *subscriptions) len() int { return len(s.all) }

func (s *subscriptions) has(one dialect.Subscription) bool {
	_, has := s.all[one]
	return has
}

// add adds one that is not there.
func (s *subscriptions) add(one dialect.Subscription) {
	if s.all == nil {
		s.all, s.byID = map[dialect.Subscription]struct{}{}, map[string][]room.Name{}
	}
	s.all[one] = struct{}{}
	s.byID[one.Request] = append(s.byID[one.Request], one.Room)
}

// remove takes out the one that was added last.
func (s *subscriptions) remove(one dialect.Subscription) {
	delete(s.all, one)
	if rooms := s.byID[one.Request]; len(rooms) > 1 {
		s.byID[one.Request] = slices.Delete(rooms, len(rooms)-1, len(rooms))
	} else {
		delete(s.byID, one.Request)
	}
}

// end takes all of an id out, and returns them.
func (s *subscriptions) end(id string) (ended []dialect.Subscription) {
	for _, n := range s.byID[id] {
		one := dialect.Subscription{Room: n, Request: id}
		delete(s.all, one)
		ended = append(ended, one)
	}
	delete(s.byID, id)
	return ended
}
