package connector

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

// undone is a token that was made, or may have been, and that its connector was not told: its name would be nobody's for ever.
type undone struct {
	identity lime.Identity
	key      document.Key
	hash     string
}

// maxUndone bounds those that wait.
const maxUndone = 1024

// errOther says that a token is another one.
var errOther = errors.New("the name has another token")

// TakeBack removes a token that its identity was not told. It does not block: Run removes it.
func (r *Registry) TakeBack(id lime.Identity, token string) {
	if key, err := document.Of(id); err == nil {
		r.takeBack(undone{id, key, hash(token)})
	}
}

func (r *Registry) takeBack(u undone) {
	select {
	case r.undone <- u:
	default:
		r.cfg.Logger.WithField("identity", u.identity.String()).Warn("a token that nobody was told is not taken back: too many wait; remove it")
	}
}

// undo takes back what nobody was told, until ctx is done.
func (r *Registry) undo(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case u := <-r.undone:
			for !r.removed(ctx, u) {
				select {
				case <-ctx.Done():
					return
				case <-time.After(followPause):
				}
			}
		}
	}
}

// undoTime bounds one try.
const undoTime = 5 * time.Second

// removed removes one, and tells whether it is no more.
func (r *Registry) removed(ctx context.Context, u undone) bool {
	ctx, cancel := context.WithTimeout(ctx, undoTime)
	defer cancel()
	_, err := r.bucket.RemoveIf(ctx, u.key, func(old document.Document) error {
		if !isKept(old.Value, u.hash) {
			return errOther
		}
		return nil
	})
	switch {
	case errors.Is(err, errOther), errors.Is(err, document.ErrNotFound):
		return true
	case err != nil:
		r.warn.Warn("a token that nobody was told cannot be taken back", err)
		return false
	}
	r.cfg.Logger.WithField("identity", u.identity.String()).Info("a token that nobody was told was taken back")
	return true
}

// isKept tells whether a document is that of a token.
func isKept(text []byte, hash string) bool {
	var k kept
	return json.Unmarshal(text, &k) == nil && k.Hash == hash
}

// room is that of the domain that a key is in.
func (r *Registry) room(below document.Key) *document.Room {
	r.mu.Lock()
	defer r.mu.Unlock()
	room := r.rooms[below]
	if room == nil {
		if len(r.rooms) >= maxRooms {
			clear(r.rooms)
		}
		room = r.bucket.Room(below, r.cfg.Tokens)
		r.rooms[below] = room
	}
	return room
}

// freed says that a token was removed.
func (r *Registry) freed(key document.Key) {
	below, _, _ := strings.Cut(string(key), ".")
	r.mu.Lock()
	room := r.rooms[document.Key(below)]
	r.mu.Unlock()
	if room != nil {
		room.Freed()
	}
}
