package stream

import "errors"

var (
	// ErrUnavailable means that nobody who could answer did, or that an answer
	// was cut off: no leader, no connection, a replica that died. It passes; what
	// was asked for may have happened or not, and may be asked for again.
	ErrUnavailable = errors.New("JetStream is not available")

	// ErrFull means that the inbox of the address, or the stream, takes no more.
	ErrFull = errors.New("the inbox is full")

	// ErrRefused means that a stream will never take this message: it is too long, or
	// malformed.
	ErrRefused = errors.New("the message is refused")

	// ErrSettings means that a stream exists and is kept in another way than this process
	// was told to keep it.
	ErrSettings = errors.New("has other settings than ours")

	// ErrNotFound means that the stream's leader does not have the message.
	ErrNotFound = errors.New("no such message")
)
