package room

import "iter"

// Index holds what belongs to rooms, and finds the rooms that a publication reaches by the
// values that it has, not by looking at all of them. It is not safe for concurrent use. The
// zero value is empty.
type Index[T any] struct {
	rooms  map[Name]*entry[T]
	shapes map[string]*shape[T]
}

// entry is one room of an index.
type entry[T any] struct {
	name   Name
	shape  *shape[T]
	values []string
	at     []int // where it stands in the lists of its shape, that of all last
	held   T
}

// shape has the rooms of one shape.
type shape[T any] struct {
	text  string
	with  []map[string][]*entry[T] // by their value, for each place of one
	rooms []*entry[T]
}

// Len is how many rooms there are.
func (x *Index[T]) Len() int { return len(x.rooms) }

// Get returns what belongs to a room.
func (x *Index[T]) Get(n Name) (held T, ok bool) {
	e, ok := x.rooms[n]
	if !ok {
		return held, false
	}
	return e.held, true
}

// Set makes something belong to a room, in place of what did.
func (x *Index[T]) Set(n Name, held T) {
	if e, ok := x.rooms[n]; ok {
		e.held = held
		return
	}
	if x.rooms == nil {
		x.rooms, x.shapes = make(map[Name]*entry[T]), make(map[string]*shape[T])
	}
	text, values := n.Split()
	s := x.shapes[text]
	if s == nil {
		s = &shape[T]{text: text, with: make([]map[string][]*entry[T], len(values))}
		for i := range s.with {
			s.with[i] = make(map[string][]*entry[T])
		}
		x.shapes[text] = s
	}
	e := &entry[T]{name: n, shape: s, values: values, at: make([]int, 0, len(values)+1), held: held}
	x.rooms[n] = e
	for i, v := range values {
		list := s.with[i][v]
		e.at = append(e.at, len(list))
		s.with[i][v] = append(list, e)
	}
	e.at = append(e.at, len(s.rooms))
	s.rooms = append(s.rooms, e)
}

// Delete forgets a room.
func (x *Index[T]) Delete(n Name) {
	e, ok := x.rooms[n]
	if !ok {
		return
	}
	delete(x.rooms, n)
	s := e.shape
	for i, v := range e.values {
		if list := without(s.with[i][v], e, i); len(list) > 0 {
			s.with[i][v] = list
		} else {
			delete(s.with[i], v)
		}
	}
	if s.rooms = without(s.rooms, e, len(e.values)); len(s.rooms) == 0 {
		delete(x.shapes, s.text)
	}
}

// without returns a list without e; the place of each room in it is in at[place].
func without[T any](list []*entry[T], e *entry[T], place int) []*entry[T] {
	last := len(list) - 1
	moved := list[last]
	list[e.at[place]] = moved
	moved.at[place] = e.at[place]
	list[last] = nil
	return list[:last]
}

// Reached yields the rooms of which a publication to n reaches the subscribers, each once
// and in no order, and what belongs to them. Where wildcards count, it looks at no more
// rooms than have the rarest of the publication's values, and a wildcard in its place. The
// index must not be changed meanwhile.
func (x *Index[T]) Reached(n Name, sides Sides) iter.Seq2[Name, T] {
	return func(yield func(Name, T) bool) {
		if sides == Neither {
			if e, ok := x.rooms[n]; ok {
				yield(e.name, e.held)
			}
			return
		}
		text, values := n.Split()
		s := x.shapes[text]
		if s == nil {
			return
		}
		for _, list := range s.candidates(values, sides) {
			for _, e := range list {
				if meet(values, e.values, sides) && !yield(e.name, e.held) {
					return
				}
			}
		}
	}
}

// candidates are the lists that have all rooms that a publication can reach, and together
// the fewest.
func (s *shape[T]) candidates(values []string, sides Sides) (lists [2][]*entry[T]) {
	lists[0] = s.rooms
	for i, v := range values {
		if sides&Publisher != 0 && IsWild(v) {
			continue
		}
		found := [2][]*entry[T]{s.with[i][v], nil}
		if sides&Subscriber != 0 && !IsWild(v) {
			found[1] = s.wild(i)
		}
		if len(found[0])+len(found[1]) < len(lists[0])+len(lists[1]) {
			lists = found
		}
	}
	return lists
}

// wild are the rooms with a wildcard in a place.
func (s *shape[T]) wild(place int) []*entry[T] {
	if s.text[0] == pathMark {
		return s.with[place][wildSegment]
	}
	return s.with[place][wildValue]
}
