package resource

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"limegrove/lime"
)

// Directory is where it is kept what accounts publish of themselves.
type Directory interface {
	// Publish makes what is published of an identity what document returns, and nothing
	// when that is nil. It may be called several times.
	Publish(ctx context.Context, id lime.Identity, document func(context.Context) (json.RawMessage, error)) error

	// Published returns it; nil when there is nothing.
	Published(ctx context.Context, id lime.Identity) (json.RawMessage, error)

	// List returns all that is published in a domain, in any order that stays. More than the
	// directory can show at once is left out.
	List(ctx context.Context, domain string) ([]json.RawMessage, error)
}

// private are the properties that are published to nobody: what the account is set to, and
// what strangers could use against its owner.
var private = []string{
	"allowAnonymousSender", "allowGuestSender", "allowUnknownSender", "alternativeAccount", "birthDate",
	"encryptMessageContent", "inboxSize", "publishToDirectory", "source", "storeMessageContent", "taxDocument", "tenantId",
}

// HandleDirectory registers /accounts and /accounts/<identity> of a domain, to whose members
// it shows what accounts with publishToDirectory say of themselves:
//
//   - get lime://<domain>/accounts lists them, paged by take and skip (L-RES-11). Other
//     parameters of the query are names of properties: those accounts are listed alone that
//     have all of these values, without regard to case;
//   - get lime://<domain>/accounts/<identity> returns one, and 67 when there is none or it
//     is not published.
//
// A relative URI means the requester's domain. Members of other domains and guests get 35. An
// authority over the domain sees each account by its identity, with all but its secrets.
func HandleDirectory(m *Mux, accounts Accounts, directory Directory) {
	h := directoryHandler{accounts, directory}
	m.Handle(lime.MethodGet, "/accounts", h.list)
	m.Handle(lime.MethodGet, "/accounts/{identity}", h.get)
}

type directoryHandler struct {
	accounts  Accounts
	directory Directory
}

func (h directoryHandler) list(ctx context.Context, r Request) (Document, error) {
	domain, err := r.checkMember()
	if err != nil {
		return Document{}, err
	}
	page, err := pageOf(r.URI)
	if err != nil {
		return Document{}, err
	}
	all, err := h.directory.List(ctx, domain)
	if err != nil {
		return Document{}, err
	}
	return collection(page, lime.MediaAccount, slices.DeleteFunc(all, func(d json.RawMessage) bool { return !fits(d, r.URI) }))
}

func (h directoryHandler) get(ctx context.Context, r Request) (Document, error) {
	domain, err := r.checkMember()
	if err != nil {
		return Document{}, err
	}
	id, err := lime.ParseIdentity(r.Segment("identity"))
	if id.Domain == "" {
		id.Domain = domain
	}
	if err != nil || id.Name == "" || !strings.EqualFold(id.Domain, domain) {
		return Document{}, badArgument("The path names no identity of the domain")
	}
	if r.Role.Over(r.From.Domain, domain) || id.EqualFold(r.From.Identity) {
		a, err := h.accounts.Get(ctx, id)
		if err != nil {
			return Document{}, err
		}
		return accountDocument(a)
	}
	published, err := h.directory.Published(ctx, id)
	if err == nil && published == nil {
		err = lime.NewReason(lime.CodeCommandResourceNotFound, "The account does not exist, or is not published")
	}
	return Document{lime.MediaAccount, published}, err
}

// checkMember returns the domain that a request is about, which has to be the requester's
// own, or one that the requester has authority over.
func (r Request) checkMember() (domain string, err error) {
	domain = r.From.Domain
	if !r.URI.Owner.IsZero() {
		domain = r.URI.Owner.Domain
	}
	if r.Guest || r.URI.Owner.Name != "" || r.behalf() ||
		!strings.EqualFold(domain, r.From.Domain) && !r.Role.Over(r.From.Domain, domain) {
		return "", notPermitted()
	}
	return domain, nil
}

// fits tells whether a document has the properties that a query asks for.
func fits(document json.RawMessage, u lime.URI) bool {
	var members map[string]json.RawMessage
	for name, values := range u.Query {
		if name = strings.TrimPrefix(name, "$"); name == "take" || name == "skip" {
			continue
		}
		if members == nil && json.Unmarshal(document, &members) != nil {
			return false
		}
		if !slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, plainText(members[name])) }) {
			return false
		}
	}
	return true
}

// Publishing returns accounts whose changes are brought to the directory. What is no longer
// to be published is gone from it before the change is answered; of what could not be
// brought there the change itself has happened, and another brings it.
func Publishing(accounts Accounts, directory Directory) Accounts {
	return publishing{accounts, directory}
}

type publishing struct {
	Accounts
	directory Directory
}

// Create is that of Accounts.
func (p publishing) Create(ctx context.Context, a Account, password []byte) error {
	if err := p.Accounts.Create(ctx, a, password); err != nil {
		return err
	}
	if !publishes(a) {
		return nil
	}
	return p.publish(ctx, a.Identity)
}

// Update is that of Accounts.
func (p publishing) Update(ctx context.Context, id lime.Identity, secrets Secrets, change func(*Account) error) error {
	concerned := false
	err := p.Accounts.Update(ctx, id, secrets, func(a *Account) error {
		before := publishes(*a)
		err := change(a)
		concerned = before || publishes(*a)
		return err
	})
	if err != nil || !concerned {
		return err
	}
	return p.publish(ctx, id)
}

// Delete is that of Accounts. What is published goes first, so that it cannot stay.
func (p publishing) Delete(ctx context.Context, id lime.Identity) error {
	none := func(context.Context) (json.RawMessage, error) { return nil, nil }
	if err := p.directory.Publish(ctx, id, none); err != nil {
		return err
	}
	return p.Accounts.Delete(ctx, id)
}

// publish brings the account to the directory as it is at that moment. It is read again
// rather than handed over, or of two changes at once the first could be brought last.
func (p publishing) publish(ctx context.Context, id lime.Identity) error {
	return p.directory.Publish(ctx, id, func(ctx context.Context) (json.RawMessage, error) {
		a, err := p.Latest(ctx, id)
		switch {
		case errors.Is(err, errNoAccount):
			return nil, nil
		case err != nil:
			return nil, err
		case !publishes(a):
			return nil, nil
		}
		return accountJSON(a, private)
	})
}

func publishes(a Account) bool { return string(a.Properties["publishToDirectory"]) == "true" }
