package lime

import "errors"

// ErrMalformed matches every error about bytes that are no envelope: broken
// JSON, and JSON that no envelope may be. On the wire it is
// CodeValidationError.
var ErrMalformed = errors.New("malformed envelope")
