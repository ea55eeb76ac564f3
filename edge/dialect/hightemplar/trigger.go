package hightemplar

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"limegrove/room"
)

// What is wrong with a trigger, in the words of the original.
var (
	ErrNoRooms = errors.New("rooms not specified")
	ErrNoData  = errors.New("data not specified")
	ErrTrigger = errors.New("malformed trigger")
)

// maxRooms bounds the rooms of a trigger, each of which is a publication.
const maxRooms = 10_000

// Trigger is what the backing API has for rooms.
type Trigger struct {
	Rooms []room.Name // one that is listed twice gets it twice
	Data  json.RawMessage
}

// ParseTrigger reads a trigger: {"rooms": [{…}, …], "data": …}. An error matches one of
// those above; H-37, H-39.
func ParseTrigger(b []byte) (t Trigger, err error) {
	given := membersOf(b)
	switch {
	case given == nil || !utf8.Valid(b):
		return Trigger{}, fmt.Errorf("%w: it is no JSON object", ErrTrigger)
	case given["rooms"] == nil:
		return Trigger{}, ErrNoRooms
	case given["data"] == nil:
		return Trigger{}, ErrNoData
	}
	var rooms []json.RawMessage
	if json.Unmarshal(given["rooms"], &rooms) != nil || rooms == nil {
		return Trigger{}, fmt.Errorf("%w: rooms is no list", ErrTrigger)
	}
	if len(rooms) > maxRooms {
		return Trigger{}, fmt.Errorf("%w: more than %d rooms", ErrTrigger, maxRooms)
	}
	t.Data = given["data"]
	for _, r := range rooms {
		n, is, ok := roomOf(r)
		if !is || !ok {
			return Trigger{}, fmt.Errorf("%w: one of rooms is none", ErrTrigger)
		}
		t.Rooms = append(t.Rooms, n)
	}
	return t, nil
}
