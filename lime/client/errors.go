package client

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"limegrove/lime"
)

// ErrClosed is what everything returns after Close or Shutdown.
var ErrClosed = errors.New("client closed")

// ErrLost matches the error of who waited for an answer in a session that has ended:
// whether the server has acted is not known. The cause is in the error's tree.
var ErrLost = errors.New("session lost")

// ErrSilent matches the end of a session whose server has said nothing for
// Config.IdleTimeout, not even to a ping: the connection is half-open.
var ErrSilent = errors.New("server silent")

// ErrFull matches the end of a session that was not read for Config.IdleTimeout, since
// Config.Queue messages with an id waited to be handed out, while somebody waited for an answer
// that might have been behind them. What was not acknowledged comes again.
var ErrFull = errors.New("queue full while an answer is waited for")

// ErrProtocol matches the end of a connection whose server says what it may not: broken
// JSON, a frame that is none, a state that does not follow. It costs the session; the
// client tries again as after any other loss.
var ErrProtocol = errors.New("protocol violated by the server")

// ErrNotOffered matches the end for good of a client whose scheme, or whose Encryption,
// is not among what the server offers.
var ErrNotOffered = errors.New("not offered by the server")

// ErrTooLong matches the refusal of an envelope that is longer than the server reads:
// see Config.MaxSend. The session goes on.
var ErrTooLong = errors.New("envelope too long")

// ErrID matches the refusal of a message or a command with the id of another one that
// still waits for its answer.
var ErrID = errors.New("the id is in use")

// ErrUnanswered is what a publication ends with that was sent Config.MaxResends times
// again and never answered. It may be stored.
var ErrUnanswered = errors.New("message not answered")

// ErrLater is what a CommandHandler returns that has handed the request to somebody who
// answers it.
var ErrLater = errors.New("answered later")

// SessionError is the end of a session by the server's word. It unwraps to the reason,
// so that errors.As finds a *lime.Reason.
type SessionError struct {
	During lime.State   // where the session stood: established, or before
	State  lime.State   // the last word: finished or failed
	Reason *lime.Reason // nil when there is none
}

// Error tells the last word and the reason.
func (e *SessionError) Error() string {
	text := fmt.Sprintf("session %s while %s", e.State, e.During)
	if e.Reason != nil {
		text += ": " + e.Reason.Error()
	}
	return text
}

// Unwrap returns the reason.
func (e *SessionError) Unwrap() error {
	if e.Reason == nil {
		return nil
	}
	return e.Reason
}

// HTTPError is an upgrade to WebSocket that was refused.
type HTTPError struct {
	Status     int           // of HTTP
	RetryAfter time.Duration // for how long the server wants to be left alone; 0 when it does not say
}

// Error tells the status.
func (e *HTTPError) Error() string {
	return fmt.Sprintf("upgrade refused with HTTP status %d", e.Status)
}

// isFinal tells whether an error ends the client: trying again would be in vain, or
// would take the node from who has it now.
func isFinal(err error) bool {
	if errors.Is(err, ErrNotOffered) || errors.Is(err, errCredentials) {
		return true
	}
	if all, ok := err.(interface{ Unwrap() []error }); ok { // of several servers
		return slices.ContainsFunc(all.Unwrap(), isFinal)
	}
	var ended *SessionError
	if !errors.As(err, &ended) || ended.Reason == nil {
		return false
	}
	switch ended.Reason.Code {
	case lime.CodeSessionAuthenticationFailed, lime.CodeSessionNegotiationInvalidOptions,
		lime.CodeValidationInvalidIdentity:
		return true
	case lime.CodeSessionRegistrationError:
		// Another session has taken the node. While logging in it only says that somebody has it
		// still, who may be this client's own session whose end the server has not noticed.
		return ended.During == lime.StateEstablished
	}
	return false
}
