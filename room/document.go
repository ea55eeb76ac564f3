package room

import (
	"encoding/json"

	"limegrove/lime"
)

// Document is a room as a resource of LIME, of the type lime.MediaRoom.
type Document struct {
	Room    json.RawMessage `json:"room"` // as Of takes it
	Address lime.Identity   `json:"address"`

	// Since asks, in a request, for what is above a position in a room that keeps its
	// messages; "0" for all that it has.
	Since *uint64 `json:"since,string,omitempty"`
	// Position is where a session begins in such a room: what is above it comes. Messages
	// have theirs in their metadata.
	Position uint64 `json:"position,string,omitempty"`
	// Continuous tells whether nothing is missing behind the position that was asked for; nil
	// when nobody has asked. In what is told later, that something may be.
	Continuous *bool `json:"continuous,omitempty"`

	// Presence asks for being told who is there, in a request.
	Presence bool `json:"presence,omitempty"`

	// Ended says that the session was put out of the room, which it may not be in any more.
	Ended bool `json:"ended,omitempty"`

	// Count is how many sessions are in the room; nil when it is not told.
	Count *int `json:"count,omitempty"`
	// Occupants are the identities that have these sessions, each once. When they are told
	// again, Joined and Left are what has become of them, of which either may be empty. All
	// three are nil when there are too many.
	Occupants []lime.Identity `json:"occupants,omitzero"`
	Joined    []lime.Identity `json:"joined,omitzero"`
	Left      []lime.Identity `json:"left,omitzero"`
}

// NewDocument returns a room of a domain as a resource.
func NewDocument(domain string, n Name) Document {
	return Document{
		Room:    n.AppendJSON(nil),
		Address: lime.Identity{Name: n.Address(), Domain: lime.RoomsDomain(domain)},
	}
}
