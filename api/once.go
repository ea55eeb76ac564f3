package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"time"
)

// The errors of Answers.
var (
	// ErrRunning says that the request is being worked on.
	ErrRunning = errors.New("the request is being worked on")
	// ErrMismatch says that another request had the same key.
	ErrMismatch = errors.New("another request had this key")
)

// Kept is an answer as it is kept.
type Kept struct {
	Status   int    `json:"status"`
	Type     string `json:"type,omitempty"`
	Location string `json:"location,omitempty"`
	Body     []byte `json:"body,omitempty"`
}

// Answers keeps the answers to requests that may be sent again, by their keys, for all routers.
type Answers interface {
	// Begin claims a key for a request whose print is given. It returns the answer when there is one, or
	// else a claim that Finish or Abandon is to be called with. An error matches ErrRunning, ErrMismatch
	// or ErrUnavailable.
	Begin(ctx context.Context, key string, fingerprint []byte) (*Kept, Claim, error)
	// Finish keeps the answer. Abandon keeps none, so that the request may be made again.
	Finish(ctx context.Context, c Claim, k Kept) error
	Abandon(ctx context.Context, c Claim) error
}

// Claim is a key that is being worked on.
type Claim struct {
	Key      string
	Print    []byte
	Revision uint64
}

// headerIdempotency is that of draft-ietf-httpapi-idempotency-key-header.
const headerIdempotency = "Idempotency-Key"

const (
	maxIdempotencyKey = 255
	// maxKept is the longest answer that is kept.
	maxKept = 256 << 10
	// keepTimeout bounds what is done for an answer that is to be kept when the request may be over.
	keepTimeout = 3 * time.Second
)

// once does a request once for its key, and answers as it did then when it comes again.
func (s *Server) once(ctx context.Context, c *call, do func(context.Context) reply) reply {
	given := c.request.Header.Get(headerIdempotency)
	if given == "" || c.request.Method == http.MethodGet || c.request.Method == http.MethodHead {
		return do(ctx)
	}
	if len(given) > maxIdempotencyKey {
		return invalid(headerIdempotency, "The header has more than %d bytes", maxIdempotencyKey).reply()
	}
	id := digest(c.key.ID, given)
	c.seed = base64.RawURLEncoding.EncodeToString(id[:16])
	// From here on it is done to its end, whoever still waits for it: who comes again wants the answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout())
	defer cancel()
	claiming, claimed := context.WithTimeout(ctx, keepTimeout)
	defer claimed()
	kept, claim, err := s.cfg.Answers.Begin(claiming, hex.EncodeToString(id[:]), c.print())
	switch {
	case errors.Is(err, ErrRunning):
		return (&problem{kind: kindRunning, status: http.StatusConflict, detail: "The same request is being worked on", after: time.Second}).reply()
	case errors.Is(err, ErrMismatch):
		return (&problem{kind: kindMismatch, status: http.StatusUnprocessableEntity, detail: "Another request had this Idempotency-Key"}).reply()
	case err != nil:
		return s.failed(c, err)
	case kept != nil:
		return kept.reply()
	}
	r := do(ctx)
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer stop()
	k := r.kept()
	if err := errors.Join(r.encode(), k.encode()); err == nil && worthKeeping(&r, k) {
		err = s.cfg.Answers.Finish(last, claim, Kept{Status: k.status, Type: k.mediaType(), Location: k.header.Get("Location"), Body: k.text})
		if err != nil {
			s.metrics.lost.Inc()
			s.log.WithError(err).Debug("an answer could not be kept")
		}
		return r
	}
	if err := s.cfg.Answers.Abandon(last, claim); err != nil {
		s.metrics.lost.Inc()
		s.log.WithError(err).Debug("a request's key could not be given back")
	}
	return r
}

// worthKeeping tells whether doing it again would not do: what may go better the next time is done
// again, and what was sent then has the same id.
func worthKeeping(r, kept *reply) bool {
	return r.status < 500 && r.status != http.StatusTooManyRequests && r.status != http.StatusConflict && len(kept.text) <= maxKept
}

// print tells a request from others. Its body may have a password: the key goes into it, so that who reads
// what is stored cannot guess that.
func (c *call) print() []byte {
	h := hmac.New(sha256.New, []byte(c.secret))
	for _, part := range []string{c.request.Method, c.request.URL.EscapedPath(), c.request.URL.RawQuery, string(c.body)} {
		one := sha256.Sum256([]byte(part))
		h.Write(one[:])
	}
	return h.Sum(nil)
}

func (k *Kept) reply() reply {
	r := reply{status: k.Status, text: k.Body, problem: k.Type == typeProblem, header: http.Header{}}
	r.header.Set("Idempotency-Replayed", "true")
	if k.Location != "" {
		r.header.Set("Location", k.Location)
	}
	return r
}

// digest is of parts, none of which runs into the next.
func digest(parts ...string) [sha256.Size]byte {
	h := sha256.New()
	for _, p := range parts {
		one := sha256.Sum256([]byte(p))
		h.Write(one[:])
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}
