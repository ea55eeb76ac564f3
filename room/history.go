package room

import "time"

// History bounds what a room keeps for whoever comes later, or again. The cluster has bounds
// of its own.
type History struct {
	Count int           // messages; 0 for as many as there are
	Age   time.Duration // 0 for as old as there are
}

// PositionKey is the key of a message's position in its metadata, which a room that keeps
// its messages gives to each: a number, in decimal, above those of all before it.
const PositionKey = "#room.position"

// Place is where a session is in what a room keeps.
type Place struct {
	Kept     bool   // the room keeps anything at all
	Position uint64 // what is above it comes
	// Continuous says that nothing is missing between the position that was asked for and
	// what comes. It is false as well when that is not known.
	Continuous bool
}
