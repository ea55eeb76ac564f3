package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"limegrove/lime"
)

// Account is what the account resource is made of, but for the secrets.
type Account struct {
	Identity   lime.Identity // in the spelling of its owner
	Created    time.Time
	Properties map[string]json.RawMessage // by their names in the resource
}

// Accounts is where accounts are kept. Errors that are for the requester match
// *lime.Reason: code 67 for an account that does not exist, 66 for one that
// exists already, 64 for a password or properties that are too short or too
// long. Identities compare without regard to case; passwords are borrowed.
type Accounts interface {
	Get(ctx context.Context, id lime.Identity) (Account, error)

	// Latest is Get with every change that somebody was told of, which Get may not have yet.
	Latest(ctx context.Context, id lime.Identity) (Account, error)

	// Create sets the time of creation itself.
	Create(ctx context.Context, a Account, password []byte) error

	// Update changes all or nothing. It may call change several times; only the
	// properties count of what it does.
	Update(ctx context.Context, id lime.Identity, secrets Secrets, change func(*Account) error) error

	Delete(ctx context.Context, id lime.Identity) error

	// Verify's error has code 13 when the password is another.
	Verify(ctx context.Context, id lime.Identity, password []byte) error

	// VerifyAccessKey's error has code 13 when there is none, or another. It borrows it.
	VerifyAccessKey(ctx context.Context, id lime.Identity, accessKey []byte) error
}

// Secrets are those of an account that are to be new. What is nil stays as it is, and an
// empty access key is removed.
type Secrets struct{ Password, AccessKey []byte }

var errNoAccount = &lime.Reason{Code: lime.CodeCommandResourceNotFound}

// HandleAccount registers /account, for accounts of the domains that are
// served.
//
//   - get returns it, never with a secret (L-RES-10), and 67 when there is none;
//   - set by a guest registers: from is the identity that it wants, pp the
//     guest's node. 66 when the account exists, 25 when the identity cannot have
//     one, 64 without a password;
//   - set by the owner replaces the properties, merge adds to them. A new
//     password needs the old one, or the access key in its place: 64 without
//     either, 13 when it is wrong. A new access key needs the old password.
//     A backend needs neither;
//   - delete by the owner removes it, and what it has.
//
// The account of anybody else is refused with 35, but that its owner may let others get it.
func HandleAccount(m *Mux, accounts Accounts, domains []string) {
	h := accountHandler{accounts, domains}
	m.Handle(lime.MethodGet, "/account", h.get)
	m.Handle(lime.MethodSet, "/account", h.set)
	m.Handle(lime.MethodMerge, "/account", h.set)
	m.Handle(lime.MethodDelete, "/account", h.delete)
}

type accountHandler struct {
	accounts Accounts
	domains  []string
}

func (h accountHandler) get(ctx context.Context, r Request) (Document, error) {
	if r.Guest && r.owner().EqualFold(r.From.Identity) {
		// Whatever there is, it is not the guest's.
		return Document{}, lime.NewReason(lime.CodeCommandResourceNotFound, "A guest has no account")
	}
	r, err := r.asOwner(ctx)
	if err != nil {
		return Document{}, err
	}
	a, err := h.accounts.Get(ctx, r.From.Identity)
	if err != nil {
		return Document{}, err
	}
	return accountDocument(a)
}

func (h accountHandler) delete(ctx context.Context, r Request) (Document, error) {
	if r.Guest {
		return Document{}, notPermitted()
	}
	if err := r.checkOwn(); err != nil {
		return Document{}, err
	}
	return Document{}, h.accounts.Delete(ctx, r.From.Identity)
}

// set also does merge.
func (h accountHandler) set(ctx context.Context, r Request) (Document, error) {
	if err := h.checkWriter(r); err != nil {
		return Document{}, err
	}
	given, err := parseAccount(r.Type, r.Resource)
	defer given.wipe()
	if err != nil {
		return Document{}, err
	}
	id := r.From.Identity
	if !given.identity.IsZero() && !given.identity.EqualFold(id) {
		return Document{}, badArgument("The identity is not the one in from")
	}
	_, err = h.accounts.Get(ctx, id)
	switch {
	case err == nil && r.Guest:
		err = lime.NewReason(lime.CodeCommandNotAllowed, "The account exists already")
	case err == nil:
		err = h.change(ctx, r, given)
	case errors.Is(err, errNoAccount):
		err = h.create(ctx, id, given)
	}
	return Document{}, err
}

// checkWriter tells whether r may write the account of its from, or make it.
func (h accountHandler) checkWriter(r Request) error {
	if !r.Guest {
		return r.checkOwn()
	}
	if !r.URI.Owner.IsZero() && !r.URI.Owner.EqualFold(r.From.Identity) {
		return notPermitted()
	}
	return nil
}

func (h accountHandler) create(ctx context.Context, id lime.Identity, given givenAccount) error {
	if !h.usable(id) {
		return lime.NewReason(lime.CodeValidationInvalidIdentity, "The identity cannot have an account here")
	}
	if given.password == nil {
		return badArgument("A new account needs a password")
	}
	if given.accessKey != nil {
		return badArgument("An access key is set when the account is there")
	}
	return h.accounts.Create(ctx, Account{Identity: id, Properties: given.properties}, given.password)
}

func (h accountHandler) change(ctx context.Context, r Request, given givenAccount) error {
	id := r.From.Identity
	if !r.Backend {
		if err := h.checkSecrets(ctx, id, given); err != nil {
			return err
		}
	}
	secrets := Secrets{Password: given.password}
	if given.oldPassword != nil || r.Backend { // otherwise it was the proof
		secrets.AccessKey = given.accessKey
	}
	return h.accounts.Update(ctx, id, secrets, func(a *Account) error {
		if r.Method == lime.MethodSet || a.Properties == nil {
			a.Properties = given.properties
			return nil
		}
		a.Properties = maps.Clone(a.Properties)
		maps.Copy(a.Properties, given.properties)
		return nil
	})
}

// checkSecrets checks what a change of a secret needs. An access key is new when it comes
// with the old password, and proves the change of the password when it comes without.
func (h accountHandler) checkSecrets(ctx context.Context, id lime.Identity, given givenAccount) error {
	var err error
	switch {
	case given.password == nil && given.accessKey == nil:
		return nil
	case given.oldPassword != nil:
		err = h.accounts.Verify(ctx, id, given.oldPassword)
	case given.password != nil && given.accessKey != nil:
		err = h.accounts.VerifyAccessKey(ctx, id, given.accessKey)
	case given.password != nil:
		return badArgument("A new password needs the old one, or the access key")
	default:
		return badArgument("A new access key needs the old password")
	}
	if err != nil {
		return fmt.Errorf("change of secrets: %w", err)
	}
	return nil
}

// usable refuses what nobody could log in with, either.
func (h accountHandler) usable(id lime.Identity) bool {
	return id.Name != "" &&
		!lime.IsPostmaster(id.Name) &&
		slices.ContainsFunc(h.domains, func(d string) bool {
			return strings.EqualFold(d, id.Domain)
		})
}
