package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"limegrove/lime"
)

// Answer is what a router says to a Request: a grant, or the reason why there is
// none.
type Answer struct {
	Grant
	Reason *lime.Reason `json:"reason,omitempty"`
	// Fault tells that the reason is the cluster's and not the client's: the login could
	// not be looked at.
	Fault bool `json:"fault,omitempty"`
}

// ErrFault is matched by the error of a login that a router could not look at. There is
// a reason for the client in it, too.
var ErrFault = errors.New("a router cannot check logins")

// errNobody is for an answer that neither grants nor refuses.
var errNobody = errors.New("the answer to a login grants it to nobody")

// Remote is an edge's Authenticator: any router's.
type Remote struct {
	// Ask brings a question to any router that takes logins of the scheme, and its
	// answer back.
	Ask func(ctx context.Context, scheme string, question []byte) (answer []byte, err error)

	// Guest asks any router that lets guests in by their names alone about an identity, which has no line break, in a
	// question with others. The answer is LetIn for one that is let in as it is spelt, else an Answer. An error
	// matching ErrAlone says that the guest is to be asked about by Ask. Default: all are.
	Guest func(ctx context.Context, identity string) (answer []byte, err error)
}

// LetIn answers about a guest who is let in as it is spelt.
const LetIn = "+"

// ErrAlone says that nobody answers a question about several logins now, or not one about this.
var ErrAlone = errors.New("the login is to be asked about alone")

// Authenticate asks a router. What the router could not look at fails with ErrFault.
func (r Remote) Authenticate(ctx context.Context, q Request) (Grant, error) {
	defer clear(q.Credentials)
	if q.Scheme == SchemeGuest && r.Guest != nil {
		if grant, err := r.guest(ctx, &q); !errors.Is(err, ErrAlone) {
			return grant, err
		}
	}
	question, err := json.Marshal(q)
	if err != nil {
		return Grant{}, fmt.Errorf("ask for a login: %w", err)
	}
	defer clear(question)
	text, err := r.Ask(ctx, string(q.Scheme), question)
	if err != nil {
		return Grant{}, fmt.Errorf("ask for a login: %w", err)
	}
	return grantOf(text)
}

// guest asks about a guest with others.
func (r Remote) guest(ctx context.Context, q *Request) (Grant, error) {
	identity := q.Node.Identity.String()
	if strings.IndexByte(identity, '\n') >= 0 { // which is none, and would be two with others
		return Grant{}, ErrAlone
	}
	text, err := r.Guest(ctx, identity)
	switch {
	case err != nil:
		return Grant{}, fmt.Errorf("ask for a guest's login: %w", err)
	case string(text) == LetIn:
		return grantGuest(q, false)
	}
	return grantOf(text)
}

// grantOf reads an Answer.
func grantOf(text []byte) (Grant, error) {
	var a Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return Grant{}, fmt.Errorf("read the answer to a login: %w", err)
	}
	switch {
	case a.Reason != nil && a.Fault:
		return Grant{}, fmt.Errorf("%w: %w", ErrFault, a.Reason)
	case a.Reason != nil:
		return Grant{}, a.Reason
	case a.Identity.Name == "" || a.Identity.Domain == "":
		return Grant{}, errNobody
	}
	return a.Grant, nil
}
