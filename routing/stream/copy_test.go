package stream

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// What passes keeps those behind it back, so that the order stays.
func TestRefusalsThatPass(t *testing.T) {
	for _, c := range []struct {
		err          jetstream.APIError
		full, passes bool
	}{
		{err: jetstream.APIError{Code: 503, ErrorCode: 10077, Description: "maximum messages per subject exceeded"}, full: true},
		{err: jetstream.APIError{Code: 503, ErrorCode: 10023, Description: "insufficient resources"}, passes: true},
		{err: jetstream.APIError{Code: 400, ErrorCode: 10002, Description: "resource limits exceeded for account"}, passes: true},
		{err: jetstream.APIError{Code: 400, ErrorCode: 10054, Description: "message size exceeds maximum allowed"}},
	} {
		err := refusal(&c.err)
		if errors.Is(err, ErrFull) != c.full || errors.Is(err, ErrUnavailable) != c.passes {
			t.Errorf("%q becomes %v", c.err.Description, err)
		}
	}
}
