package files

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// The errors that callers branch on.
var (
	// ErrNotFound says that there is no such file, or none any more.
	ErrNotFound = errors.New("the file does not exist")
	// ErrIncomplete says that the file cannot be read yet.
	ErrIncomplete = errors.New("the file is not complete")
	// ErrComplete says that there is nothing to be added to the file.
	ErrComplete = errors.New("the file is complete")
	// ErrConflict says that somebody else adds to the file: where it ends has to be asked
	// for again.
	ErrConflict = errors.New("the file ends elsewhere by now")
	// ErrDigest says that the file was not what was announced. It is removed.
	ErrDigest = errors.New("the file does not have the SHA-256 that was announced")
	// ErrPieces says that the file came in too many small pieces.
	ErrPieces = errors.New("the file has come in too many small pieces")
	// ErrFull says that the store has no room.
	ErrFull = errors.New("the store of files is full")
	// ErrTicket says that a token is none of ours, is over, or is for something else.
	ErrTicket = errors.New("the token does not allow it")
)

// JetStream's codes for what does not fit any more; nats.go has no names for them.
const (
	codeStoreFailed      jetstream.ErrorCode = 10077 // the stream's max_bytes
	codeAccountResources jetstream.ErrorCode = 10002
	codeStorageResources jetstream.ErrorCode = 10047
	codeResources        jetstream.ErrorCode = 10023
)

// stored makes of JetStream's refusals of a chunk what callers know.
func stored(err error) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return ErrConflict
	case codeStoreFailed, codeAccountResources, codeStorageResources, codeResources:
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
