package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"limegrove/lime"
)

// Answer is what a router says to a Request: a grant, or the reason why there is
// none.
type Answer struct {
	Grant
	Reason *lime.Reason `json:"reason,omitempty"`
}

// errNobody is for an answer that neither grants nor refuses.
var errNobody = errors.New("the answer to a login grants it to nobody")

// Remote is an edge's Authenticator: any router's.
type Remote struct {
	// Ask brings a question to any router that takes logins of the scheme, and its
	// answer back.
	Ask func(ctx context.Context, scheme string, question []byte) (answer []byte, err error)
}

// Authenticate asks a router.
func (r Remote) Authenticate(ctx context.Context, q Request) (Grant, error) {
	defer clear(q.Credentials)
	question, err := json.Marshal(q)
	if err != nil {
		return Grant{}, fmt.Errorf("ask for a login: %w", err)
	}
	defer clear(question)
	text, err := r.Ask(ctx, string(q.Scheme), question)
	if err != nil {
		return Grant{}, fmt.Errorf("ask for a login: %w", err)
	}
	var a Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return Grant{}, fmt.Errorf("read the answer to a login: %w", err)
	}
	switch {
	case a.Reason != nil:
		return Grant{}, a.Reason
	case a.Identity.Name == "" || a.Identity.Domain == "":
		return Grant{}, errNobody
	}
	return a.Grant, nil
}
