package resource

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"limegrove/lime"
)

// Key is an API key of an account, but for the key itself.
type Key struct {
	Name     string
	Created  time.Time
	LastUsed time.Time // to the hour; zero for never
}

// MediaKey is the media type of a key. It is ours: LIME has the scheme and no resource
// for it.
const MediaKey = "application/vnd.limegrove.key+json"

// Keys is where the keys of accounts are kept. Errors that are for the requester match
// *lime.Reason: code 67 for an account or a key that does not exist, 66 for a name that
// is taken, 64 for one that no key can have, 34 for too many keys.
type Keys interface {
	Keys(ctx context.Context, id lime.Identity) ([]Key, error)

	// AddKey returns the key once, in Base64 as a login has it.
	AddKey(ctx context.Context, id lime.Identity, name string) (k Key, secret string, err error)

	// RemoveKey also ends the sessions that were let in by the key.
	RemoveKey(ctx context.Context, id lime.Identity, name string) error
}

// HandleKeys registers /account/keys and /account/keys/<name>, for the owner of an
// account:
//
//   - set /account/keys with {"name":…} makes a key, and returns it with "key", which
//     is shown this once. A key that the client proposes is refused with 64: what is
//     stored relies on its being random;
//   - get /account/keys lists them without their secrets (L-RES-10), paged by take and
//     skip (L-RES-11), and get /account/keys/<name> returns one;
//   - delete /account/keys/<name> revokes one.
//
// Those of anybody else are refused with 35, and so is a guest, who has no account.
func HandleKeys(m *Mux, keys Keys) {
	h := keyHandler{keys}
	m.Handle(lime.MethodGet, "/account/keys", h.list)
	m.Handle(lime.MethodSet, "/account/keys", h.add)
	m.Handle(lime.MethodGet, "/account/keys/{name}", h.get)
	m.Handle(lime.MethodDelete, "/account/keys/{name}", h.remove)
}

type keyHandler struct{ keys Keys }

func (h keyHandler) list(ctx context.Context, r Request) (Document, error) {
	if err := r.checkAccountOwner(); err != nil {
		return Document{}, err
	}
	p, err := pageOf(r.URI)
	if err != nil {
		return Document{}, err
	}
	all, err := h.keys.Keys(ctx, r.From.Identity)
	if err != nil {
		return Document{}, err
	}
	items := make([]json.RawMessage, len(all))
	for i, k := range all {
		if items[i], err = k.document(""); err != nil {
			return Document{}, err
		}
	}
	return collection(p, MediaKey, items)
}

func (h keyHandler) get(ctx context.Context, r Request) (Document, error) {
	if err := r.checkAccountOwner(); err != nil {
		return Document{}, err
	}
	all, err := h.keys.Keys(ctx, r.From.Identity)
	if err != nil {
		return Document{}, err
	}
	i := slices.IndexFunc(all, func(k Key) bool { return strings.EqualFold(k.Name, r.Segment("name")) })
	if i < 0 {
		return Document{}, lime.NewReason(lime.CodeCommandResourceNotFound, "The account has no key of that name")
	}
	b, err := all[i].document("")
	return Document{MediaKey, b}, err
}

func (h keyHandler) add(ctx context.Context, r Request) (Document, error) {
	if err := r.checkAccountOwner(); err != nil {
		return Document{}, err
	}
	var given struct {
		Name string          `json:"name"`
		Key  json.RawMessage `json:"key"`
	}
	if json.Unmarshal(r.Resource, &given) != nil { // its text may quote the input
		return Document{}, badArgument("A key is a JSON object with a name")
	}
	if given.Key != nil && string(given.Key) != "null" {
		return Document{}, badArgument("The server makes the keys")
	}
	k, secret, err := h.keys.AddKey(ctx, r.From.Identity, given.Name)
	if err != nil {
		return Document{}, err
	}
	b, err := k.document(secret)
	return Document{MediaKey, b}, err
}

func (h keyHandler) remove(ctx context.Context, r Request) (Document, error) {
	if err := r.checkAccountOwner(); err != nil {
		return Document{}, err
	}
	return Document{}, h.keys.RemoveKey(ctx, r.From.Identity, r.Segment("name"))
}

// document is the resource of a key, with its secret if that is not "".
func (k Key) document(secret string) (json.RawMessage, error) {
	d := struct {
		Name     string `json:"name"`
		Key      string `json:"key,omitempty"`
		Created  string `json:"created"`
		LastUsed string `json:"lastUsed,omitempty"`
	}{Name: k.Name, Key: secret, Created: lime.FormatTime(k.Created)}
	if !k.LastUsed.IsZero() {
		d.LastUsed = lime.FormatTime(k.LastUsed)
	}
	return lime.MarshalJSON(d)
}

// checkAccountOwner refuses whoever does not own the account that r is about.
func (r Request) checkAccountOwner() error {
	if r.Guest {
		return notPermitted()
	}
	return r.checkOwn()
}
