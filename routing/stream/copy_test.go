package stream

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// What passes keeps those behind it back, so that the order stays; what is refused for
// good does not.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		err                   jetstream.APIError
		full, passes, refused bool
	}{
		{err: jetstream.APIError{Code: 503, ErrorCode: 10077, Description: "maximum messages per subject exceeded"}, full: true},
		{err: jetstream.APIError{Code: 503, ErrorCode: 10023, Description: "insufficient resources"}, passes: true},
		{err: jetstream.APIError{Code: 400, ErrorCode: 10002, Description: "resource limits exceeded for account"}, passes: true},
		{err: jetstream.APIError{Code: 400, ErrorCode: 10054, Description: "message size exceeds maximum allowed"}, refused: true},
		{err: jetstream.APIError{Code: 400, ErrorCode: 10097, Description: "header size exceeds maximum allowed of 64k"}, refused: true},
		{err: jetstream.APIError{Code: 400, ErrorCode: 10109, Description: "invalid operation on sealed stream"}, passes: true},
		{err: jetstream.APIError{Code: 409, ErrorCode: 10158, Description: "duplicate message id is in process"}, passes: true},
	} {
		err := refusal(&c.err)
		if errors.Is(err, ErrFull) != c.full || errors.Is(err, ErrUnavailable) != c.passes || errors.Is(err, ErrRefused) != c.refused {
			t.Errorf("%q becomes %v", c.err.Description, err)
		}
	}
}
