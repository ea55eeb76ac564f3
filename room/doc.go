// Package room is what rooms are called, which of them a wildcard means, and an index that
// finds those without looking at every room. It does no I/O.
//
// A room is live publish and subscribe: it exists while somebody is in it, and nothing is
// kept of it but what a history is asked for. A group is another thing, which has members
// whether they are there or not.
//
// A room is a path or a set of key/value pairs. Both have a text, which is the same for the
// same room, and by which rooms compare:
//
//	/ride/42                     the path of two segments
//	?depot=3;target="ride"       the pairs, as JSON {"target": "ride", "depot": 3}
//
// Pairs are sorted by their key, and values differ when their JSON types do: 3 is not "3".
// The *shape* of a room is what it has in common with all those that a wildcard can make of
// it: how many segments, or which keys.
//
// The only wildcard is a whole value: the segment * or the text "*". Whether it means any
// value, or nothing but itself, depends on who says it; see [Sides].
package room
