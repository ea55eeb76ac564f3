package hightemplar

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"limegrove/room"
)

// ErrAPI matches every error about an answer of the backing API that is none.
var ErrAPI = errors.New("the backing API's answer")

// Bootstrap reads what the backing API answers to its call, and returns the rooms that the
// client may enter, each once. Not to let it in is an answer, too: then authorized is false.
func Bootstrap(status int, contentType string, body []byte) (allowed []room.Name, authorized bool, err error) {
	if status != http.StatusOK { // H-08
		return nil, false, nil
	}
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "application/json" {
		return nil, false, fmt.Errorf("%w: it is %q, and no JSON", ErrAPI, contentType)
	}
	answer := membersOf(body)
	if answer == nil {
		return nil, false, fmt.Errorf("%w: it is no JSON object", ErrAPI)
	}
	list := answer["allowed_rooms"]
	switch kindOf(list) {
	case 0: // H-07
		return nil, true, nil
	case '{': // as the original has it
		return nil, false, nil
	}
	var rooms []json.RawMessage
	if err := json.Unmarshal(list, &rooms); err != nil || rooms == nil { // H-10
		return nil, false, fmt.Errorf("%w: allowed_rooms is no list", ErrAPI)
	}
	seen := make(map[room.Name]struct{}, len(rooms))
	for _, r := range rooms {
		switch n, is, ok := roomOf(r); {
		case kindOf(r) == '"': // H-09
			return nil, false, nil
		case !is || !ok:
			return nil, false, fmt.Errorf("%w: one of allowed_rooms is no room", ErrAPI)
		default:
			if _, twice := seen[n]; !twice {
				seen[n] = struct{}{}
				allowed = append(allowed, n)
			}
		}
	}
	return allowed, true, nil
}
