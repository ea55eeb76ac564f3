package resource

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"limegrove/lime"
)

// Contacts is where contacts are kept. Errors that are for the requester match
// *lime.Reason: code 67 for a contact that there is not, 34 for one too many, 64 for one
// that is too large. Identities compare without regard to case.
type Contacts interface {
	Contact(ctx context.Context, owner, contact lime.Identity) (lime.Contact, error)
	Contacts(ctx context.Context, owner lime.Identity) ([]lime.Contact, error)

	// ChangeContact may call change several times, with what there is, or nil.
	ChangeContact(ctx context.Context, owner, contact lime.Identity, change func(old *lime.Contact) (lime.Contact, error)) error
	RemoveContact(ctx context.Context, owner, contact lime.Identity) (was lime.Contact, err error)
}

// SharingChanged is told when an owner has begun or ended to share its presence with
// another. It does not block.
type SharingChanged func(owner, with lime.Identity)

// HandleContacts registers /contacts and /contacts/<identity>, for the owner and whom the
// owner lets do it.
//
//   - get of all is a collection, in the order of their domains and names, with
//     take and skip (L-RES-11). A parameter that is named like a property wants those
//     that have it: ?sharePresence=true, ?group=work. What total counts are these;
//   - get of one is that, or 67;
//   - set replaces or makes one, merge adds to it or makes it. The identity is in the
//     resource, in the URI or in both, where they agree; 64 otherwise;
//   - delete of one removes it, and gives 67 when there is none (L-RES-12).
//
// A guest has none: 35. changed may be nil.
func HandleContacts(m *Mux, contacts Contacts, changed SharingChanged) {
	if changed == nil {
		changed = func(lime.Identity, lime.Identity) {}
	}
	h := contactsHandler{contacts, changed}
	const all, one = "/contacts", "/contacts/{identity}"
	m.Handle(lime.MethodGet, all, h.list)
	m.Handle(lime.MethodSet, all, h.change)
	m.Handle(lime.MethodMerge, all, h.change)
	m.Handle(lime.MethodGet, one, h.get)
	m.Handle(lime.MethodSet, one, h.change)
	m.Handle(lime.MethodMerge, one, h.change)
	m.Handle(lime.MethodDelete, one, h.delete)
}

type contactsHandler struct {
	contacts Contacts
	changed  SharingChanged
}

// check refuses whoever has no contacts, or not these, and returns the request as their
// owner's.
func (contactsHandler) check(ctx context.Context, r Request) (Request, error) {
	if r.Guest {
		return r, lime.NewReason(lime.CodeAuthorizationPermissionRequired, "A guest has no contacts")
	}
	return r.asOwner(ctx)
}

// named returns the identity in the URI; a bare word is a name in the owner's domain.
func (contactsHandler) named(r Request) (lime.Identity, error) {
	text := r.Segment("identity")
	if text == "" {
		return lime.Identity{}, nil
	}
	i, err := lime.ParseIdentity(text)
	if err != nil {
		return lime.Identity{}, badArgument("The contact in the URI is no identity")
	}
	return completed(i, r), nil
}

// completed fills in the domain that a client may leave out.
func completed(i lime.Identity, r Request) lime.Identity {
	if i.Domain == "" && i.Name != "" {
		i.Domain = r.From.Domain
	}
	return i
}

func (h contactsHandler) list(ctx context.Context, r Request) (Document, error) {
	r, err := h.check(ctx, r)
	if err != nil {
		return Document{}, err
	}
	page, err := pageOf(r.URI)
	if err != nil {
		return Document{}, err
	}
	all, err := h.contacts.Contacts(ctx, r.From.Identity)
	if err != nil {
		return Document{}, err
	}
	all = slices.DeleteFunc(all, func(c lime.Contact) bool { return !wanted(c, r.URI.Query) })
	return collection(page, lime.MediaContact, all)
}

// wanted tells whether a contact has the properties that a query names.
func wanted(c lime.Contact, query url.Values) bool {
	for name, values := range query {
		name = strings.TrimPrefix(name, "$")
		if _, known := contactProperties[name]; !known || len(values) == 0 {
			continue
		}
		has := c.Properties[name]
		if has == nil {
			has = contactDefaults[name]
		}
		if !strings.EqualFold(plainText(has), values[0]) {
			return false
		}
	}
	return true
}

// contactDefaults are what properties are that a contact does not have.
var contactDefaults = map[string]json.RawMessage{
	"isPending": json.RawMessage("false"), "sharePresence": json.RawMessage("true"), "shareAccountInfo": json.RawMessage("true"),
}

// plainText is a string without its quotes, and other JSON as it stands.
func plainText(b json.RawMessage) string {
	var s string
	if json.Unmarshal(b, &s) == nil {
		return s
	}
	return string(b)
}

// one is check and named, for a request about one contact.
func (h contactsHandler) one(ctx context.Context, r Request) (Request, lime.Identity, error) {
	r, err := h.check(ctx, r)
	if err != nil {
		return r, lime.Identity{}, err
	}
	contact, err := h.named(r)
	return r, contact, err
}

func (h contactsHandler) get(ctx context.Context, r Request) (Document, error) {
	r, contact, err := h.one(ctx, r)
	if err != nil {
		return Document{}, err
	}
	c, err := h.contacts.Contact(ctx, r.From.Identity, contact)
	if err != nil {
		return Document{}, err
	}
	return jsonDocument(lime.MediaContact, c)
}

// change also does merge.
func (h contactsHandler) change(ctx context.Context, r Request) (Document, error) {
	r, contact, err := h.one(ctx, r)
	if err != nil {
		return Document{}, err
	}
	given, err := parseContact(r.Type, r.Resource)
	if err != nil {
		return Document{}, err
	}
	given.Identity = completed(given.Identity, r)
	switch {
	case given.Identity.IsZero():
		given.Identity = contact
	case !contact.IsZero() && !contact.EqualFold(given.Identity):
		return Document{}, badArgument("The identity is not the one in the URI")
	}
	if given.Identity.Name == "" || given.Identity.Domain == "" {
		return Document{}, badArgument("A contact needs an identity with a name")
	}
	var before, after bool
	now := time.Now()
	owner := r.From.Identity
	err = h.contacts.ChangeContact(ctx, owner, given.Identity, func(old *lime.Contact) (lime.Contact, error) {
		c := changeContact(r.Method, old, given, now)
		before, after = old != nil && old.SharesPresence(), c.SharesPresence()
		return c, nil
	})
	if err == nil && before != after {
		h.changed(owner, given.Identity)
	}
	return Document{}, err
}

func (h contactsHandler) delete(ctx context.Context, r Request) (Document, error) {
	r, contact, err := h.one(ctx, r)
	if err != nil {
		return Document{}, err
	}
	owner := r.From.Identity
	was, err := h.contacts.RemoveContact(ctx, owner, contact)
	if err == nil && was.SharesPresence() {
		h.changed(owner, contact)
	}
	return Document{}, err
}
