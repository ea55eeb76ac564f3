package delegation

import (
	"encoding/json"
	"fmt"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

// Granted is a delegation and who has given it. On the way to those who keep them in memory
// it travels as JSON.
type Granted struct {
	Owner   lime.Identity `json:"owner"`
	Version uint64        `json:"version"`
	lime.Delegation
}

// The errors that callers branch on. Each is also what LIME's client is told.
var (
	// ErrNotFound says that the owner has given the target nothing.
	ErrNotFound error = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "There is no delegation to this target"}

	// ErrTooMany says that the owner has given, or the target was given, as many as there
	// may be.
	ErrTooMany error = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "The owner has given, or the target was given, too many delegations"}

	// errRevoked says that somebody has taken it back while it was given.
	errRevoked error = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "The delegation was taken back meanwhile; look again"}

	// ErrTooLong says that a delegation has more constraints than are kept.
	ErrTooLong error = &lime.Reason{Code: lime.CodeCommandInvalidArgument, Description: "The delegation is too long"}
)

const (
	// DefaultMax is how many delegations an identity may have given, and may be given. Edges
	// keep those of who is in session.
	DefaultMax = 1000

	// maxDocument bounds one delegation, in bytes of its JSON.
	maxDocument = 8 << 10
)

func (g Granted) encode() ([]byte, error) {
	b, err := json.Marshal(g)
	if err == nil && len(b) > maxDocument {
		return nil, ErrTooLong
	}
	return b, err
}

func decode(d document.Document) (g Granted, err error) {
	if err := json.Unmarshal(d.Value, &g); err != nil {
		return g, fmt.Errorf("decode delegation %s: %w", d.Key, err)
	}
	return g, nil
}

// after is a version above another.
func after(version uint64) uint64 {
	return max(version+1, uint64(time.Now().UnixMicro()))
}

// keys are where a delegation is.
type keys struct{ by, to document.Key }

func keysOf(owner lime.Identity, target lime.Node) (k keys, err error) {
	if k.by, err = byKey(owner); err == nil {
		k.by, err = k.by.Identity(target.Identity)
	}
	if err == nil {
		if k.to, err = toKey(target.Identity); err == nil {
			k.to, err = k.to.Identity(owner)
		}
	}
	if err != nil || target.Instance == "" {
		return k, err
	}
	instance := target.Fold().Instance
	if k.by, err = k.by.Part(instance); err == nil {
		k.to, err = k.to.Part(instance)
	}
	return k, err
}

func byKey(owner lime.Identity) (document.Key, error)  { return document.Key("by").Identity(owner) }
func toKey(target lime.Identity) (document.Key, error) { return document.Key("to").Identity(target) }
