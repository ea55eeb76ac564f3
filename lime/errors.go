package lime

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrMalformed matches every error about bytes that are no envelope: broken
// JSON, and JSON that no envelope may be. On the wire it is
// CodeValidationError.
var ErrMalformed = errors.New("malformed envelope")

// ErrTooDeep is the error about an object that nests deeper than MaxDepth. It
// matches ErrMalformed.
var ErrTooDeep = fmt.Errorf("%w: nested deeper than %d", ErrMalformed, MaxDepth)

// ErrShort is the error about bytes that end inside an object: more may make
// it whole. What is there has nothing wrong with it so far.
var ErrShort = errors.New("envelope cut short")

// ErrNone is the error about bytes that hold nothing but white space.
var ErrNone = errors.New("no envelope")

// errBetween is what a Splitter returns. It has no offset of its own: the
// stream has no beginning that anybody remembers.
var errBetween = fmt.Errorf("%w: neither white space nor an object", ErrMalformed)

// SyntaxError says what is wrong with an envelope, and where. It matches
// ErrMalformed.
type SyntaxError struct {
	Offset int    // in bytes, of what is wrong
	Text   string // what is wrong; holds nothing that the sender wrote
}

// Error returns the text and the offset.
func (e *SyntaxError) Error() string {
	return ErrMalformed.Error() + ": " + e.Text + " at byte " + strconv.Itoa(e.Offset)
}

// Is tells whether target is ErrMalformed.
func (e *SyntaxError) Is(target error) bool { return target == ErrMalformed }
