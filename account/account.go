package account

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"limegrove/lime"
)

// Account is what is known of an identity, but for its secrets.
type Account struct {
	// Identity is in the spelling with which the account was made.
	Identity lime.Identity

	// Created is when that was, in UTC and whole milliseconds.
	Created time.Time

	// Properties are the owner's, by their names in LIME's account resource,
	// as JSON. Together they have at most MaxProperties bytes.
	Properties map[string]json.RawMessage
}

// MaxProperties bounds the properties of an account, in bytes of their JSON
// object. It keeps one account small beside what one message may be.
const MaxProperties = 32 << 10

// The errors that callers branch on. Each is also what LIME's client is told.
var (
	// ErrNotFound says that the identity has no account.
	ErrNotFound error = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "The account does not exist"}

	// ErrExists says that the identity has an account already.
	ErrExists error = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "The account exists already"}

	// ErrCredentials says that there is no account with that password.
	ErrCredentials error = &lime.Reason{Code: lime.CodeSessionAuthenticationFailed, Description: "The credentials were not accepted"}

	// ErrBusy says that too many passwords are being hashed. Nothing was done,
	// and a later try may succeed.
	ErrBusy error = &lime.Reason{Code: lime.CodeGeneralError, Description: "Too many passwords are waiting to be checked, try again later"}

	// ErrPassword says that a new password is empty or longer than MaxPassword.
	ErrPassword error = &lime.Reason{Code: lime.CodeCommandInvalidArgument, Description: "A password has 1 to 1024 bytes"}

	// ErrProperties says that the properties are larger than MaxProperties.
	ErrProperties error = &lime.Reason{Code: lime.CodeCommandInvalidArgument, Description: "The account's properties are too large"}
)

// record is a value in the bucket.
type record struct {
	Account
	hash      string                     // of the password; "" lets nobody in
	accessKey string                     // its hash; "" for none
	keys      []storedKey                // the oldest first
	extra     map[string]json.RawMessage // members that this version does not know
}

func (r record) encode() ([]byte, error) {
	known := struct {
		Identity     lime.Identity              `json:"identity"`
		PasswordHash string                     `json:"passwordHash"`
		Created      string                     `json:"created"`
		Properties   map[string]json.RawMessage `json:"properties,omitempty"`
		Recovery     string                     `json:"recoveryHash,omitempty"` // the access key's
		Keys         []storedKey                `json:"keys,omitempty"`
	}{r.Identity, r.hash, lime.FormatTime(r.Created), r.Properties, r.accessKey, r.keys}

	b, err := lime.MarshalJSON(known.Properties)
	if err != nil {
		return nil, fmt.Errorf("encode properties: %w", err)
	}
	if len(b) > MaxProperties {
		return nil, ErrProperties
	}
	if len(r.extra) == 0 {
		return lime.MarshalJSON(known)
	}
	if b, err = lime.MarshalJSON(known); err != nil {
		return nil, err
	}
	all := maps.Clone(r.extra)
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	return lime.MarshalJSON(all)
}

func decodeRecord(b []byte) (r record, err error) {
	if err := json.Unmarshal(b, &r.extra); err != nil {
		return record{}, fmt.Errorf("decode account: %w", err)
	}
	for name, into := range map[string]any{
		"identity":     &r.Identity,
		"passwordHash": &r.hash,
		"created":      &r.Created,
		"properties":   &r.Properties,
		"recoveryHash": &r.accessKey,
		"keys":         &r.keys,
	} {
		if v, ok := r.extra[name]; ok {
			if err := json.Unmarshal(v, into); err != nil {
				return record{}, fmt.Errorf("decode account's %s: %w", name, err)
			}
			delete(r.extra, name)
		}
	}
	return r, nil
}
