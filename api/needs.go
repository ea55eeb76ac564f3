package api

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"limegrove/lime"
	"limegrove/room"
)

// The errors of what the server needs that it branches on. A *lime.Reason is told to who has asked; any
// other error is ours.
var (
	// ErrUnavailable says that what is needed cannot answer now. It passes.
	ErrUnavailable = errors.New("not available now")
	// ErrIDInUse says that another request sends a message with that id.
	ErrIDInUse = errors.New("the id is in use")
	// ErrNotFound says that there is no such thing.
	ErrNotFound = errors.New("not found")
	// ErrTooMany says that there are as many as there may be.
	ErrTooMany = errors.New("too many")
)

// Told is one notification about a message.
type Told struct {
	Event  lime.Event   `json:"event"`
	From   lime.Node    `json:"from"`
	Reason *lime.Reason `json:"reason,omitempty"`
}

// Sender sends envelopes as the authority of served domains. It borrows them.
type Sender interface {
	// Node is the address that is the envelope's from, or its pp; it is not ok when the domain is not
	// served.
	Node(domain string) (n lime.Node, ok bool)
	// Send returns when the envelope is handed on. ErrUnavailable passes.
	Send(ctx context.Context, domain string, envelope []byte) error
	// SendAndWait returns when the message has come as far as an event, or failed, with all that was told of
	// it; also with an error of ctx. Of two at once with the same id one gets ErrIDInUse.
	SendAndWait(ctx context.Context, domain string, envelope []byte, until lime.Event) ([]Told, error)
}

// Asker asks nodes.
type Asker interface {
	// Ask sends a command and returns its response.
	Ask(ctx context.Context, domain string, envelope []byte) (*lime.Command, error)
}

// Rooms publishes to rooms.
type Rooms interface {
	// Publish publishes an envelope to a room of a domain, or with wild to all that the room's wildcards
	// mean. Where the room keeps its messages, one with a key is kept once, and has been when it returns. It
	// borrows envelope.
	Publish(ctx context.Context, domain string, n room.Name, wild bool, key string, envelope []byte) error
}

// Session is one session of an identity.
type Session struct {
	Instance string        `json:"instance"`
	ID       string        `json:"id"`
	Edge     string        `json:"edge"`
	Guest    bool          `json:"guest,omitempty"`
	Presence lime.Presence `json:"presence"`
}

// Sessions tells of the sessions of identities, and ends them.
type Sessions interface {
	// Of returns all sessions of an identity, and what others see of it.
	Of(ctx context.Context, id lime.Identity) ([]Session, lime.Presence, error)
	// End ends one session with a reason, and returns when its edge has.
	End(ctx context.Context, id lime.Identity, s Session, why *lime.Reason) error
}

// Connector is a connector of aioconnectors that is connected.
type Connector struct {
	Name     string `json:"name"`
	Identity string `json:"identity"`
	Address  string `json:"address"` // where it is, host:port
	Edge     string `json:"edge"`
}

// Connectors is what is known of connectors of aioconnectors.
type Connectors interface {
	// Connected are those that are connected, to any edge, by their names. It is not whole when an edge has not answered, or has too many.
	Connected(ctx context.Context) (all []Connector, whole bool, err error)
	// Lists are who is let in, and of whom nothing is taken, as JSON. SetLists replaces all of them; an error about them is a *lime.Reason.
	Lists(ctx context.Context) (json.RawMessage, error)
	SetLists(ctx context.Context, lists json.RawMessage) error
	// TokenMade tells since when an identity has a token. ImportToken takes one by its hash, SHA-256 in hexadecimal digits, for an
	// identity that has none. RemoveToken removes it, and ends the session that it has let in. Errors about them are a *lime.Reason.
	TokenMade(ctx context.Context, id lime.Identity) (time.Time, error)
	ImportToken(ctx context.Context, id lime.Identity, hash string) error
	RemoveToken(ctx context.Context, id lime.Identity) error
}

// Waiting is one envelope in an inbox.
type Waiting struct {
	Sequence uint64          `json:"sequence"` // of its inbox; it rises
	Stored   time.Time       `json:"stored"`
	Envelope json.RawMessage `json:"envelope"`
}

// Inboxes reads and empties what waits for identities.
type Inboxes interface {
	// Read returns what waits for an identity and its nodes from a sequence on, oldest first, so many at
	// most, and whether there is more.
	Read(ctx context.Context, id lime.Identity, from uint64, most int) (all []Waiting, more bool, err error)
	// Purge removes all of it up to and including a sequence, 0 for no end, and counts it.
	Purge(ctx context.Context, id lime.Identity, upTo uint64) (int, error)
	// Remove removes one, or returns ErrNotFound.
	Remove(ctx context.Context, id lime.Identity, sequence uint64) error
}

// Order is a LIME command to the server in the name of an identity.
type Order struct {
	Identity lime.Identity
	Guest    bool // it may make an account, and do nothing with one that there is
	Method   lime.Method
	URI      string
	Type     string
	Resource json.RawMessage
}

// Answer is the response to an Order.
type Answer struct {
	Type     string
	Resource json.RawMessage
	Reason   *lime.Reason // nil when it has succeeded
}

// Resources answers commands as the server of a domain does. It returns false when there is no answer.
type Resources interface {
	Do(ctx context.Context, o Order) (Answer, bool)
}

// Webhook is how an endpoint does that is told of events.
type Webhook struct {
	Name    string   `json:"name"`
	URL     string   `json:"url"`    // without what may be a password
	Events  []string `json:"events"` // types
	Domains []string `json:"domains"`
	// Behind is how many events there are that were not looked at for it, those included that it does not
	// want, and Oldest when the first of them was told.
	Behind      int       `json:"behind"`
	Oldest      time.Time `json:"oldest,omitzero"`
	DeadLetters int       `json:"deadLetters"`
}

// DeadLetter is an event that an endpoint did not take.
type DeadLetter struct {
	Sequence uint64          `json:"sequence"` // it rises
	At       time.Time       `json:"at"`
	Reason   string          `json:"reason"`
	Event    json.RawMessage `json:"event"`
}

// Webhooks is how endpoints do, and what they did not take. An endpoint that there is not, and that has no
// dead letters, is ErrNotFound.
type Webhooks interface {
	List(ctx context.Context) ([]Webhook, error)
	// Letters returns the dead letters from a sequence on, oldest first, so many at most. next is where the
	// next page begins, 0 when there is none.
	Letters(ctx context.Context, webhook string, from uint64, most int) (all []DeadLetter, next uint64, err error)
	// Replay has a dead letter told again, and Drop does not. Sequence 0 means all. They count them, and
	// return ErrNotFound for one that is not there.
	Replay(ctx context.Context, webhook string, sequence uint64) (int, error)
	Drop(ctx context.Context, webhook string, sequence uint64) (int, error)
}
