package lime

import "strings"

// roomsLabel begins the domain in which the rooms of a domain have their addresses.
const roomsLabel = "rooms."

// MediaRoom is a room: {"room": "/ride/42", "address": "…@rooms.example.org"}.
const MediaRoom = "application/vnd.limegrove.room+json"

// MediaRoomGrants is what an identity may do with rooms: {"rooms": [{"room": "/ride/42", "may": ["enter"]}]}.
const MediaRoomGrants = "application/vnd.limegrove.room-grants+json"

// RoomsDomain returns the domain of the rooms of a domain.
func RoomsDomain(domain string) string { return roomsLabel + domain }

// OfRooms returns the domain whose rooms have their addresses in domain; it is not ok when
// that has none.
func OfRooms[T string | []byte](domain T) (of T, ok bool) { return ofLabel(domain, roomsLabel) }

// ofLabel returns what follows a label that a domain begins with.
func ofLabel[T string | []byte](domain T, label string) (of T, ok bool) {
	if len(domain) <= len(label) || !strings.EqualFold(string(domain[:len(label)]), label) {
		return of, false
	}
	return domain[len(label):], true
}
