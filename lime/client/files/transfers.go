package files

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"limegrove/lime"
)

// Session is what files are announced by: a *client.Client.
type Session interface {
	// Command returns the response to a request. A failure's error is its *lime.Reason.
	Command(ctx context.Context, request *lime.Command) (*lime.Command, error)
}

// Config says how files are sent and fetched. The zero Config is a good one.
type Config struct {
	// HTTP makes the requests. It must have no Timeout, which would bound whole files. Default one of this package's own.
	HTTP *http.Client

	// Tries is how often in a row something may fail without any progress. Default 10.
	Tries int

	// Pause is the first pause after a failure; each is twice the one before, 30 s at most, with jitter. Default 500ms.
	Pause time.Duration

	// IdleTimeout is how long nothing may move until a connection is given up, and how long the session may take to answer. Default 45s, above the server's.
	IdleTimeout time.Duration

	// Progress is told how much of a file was sent or has come, and how much there is, in bytes; after a connection that broke it is
	// less for once. There is one call at a time for a transfer, which it delays. Default nobody.
	Progress func(done, total int64)

	// MaxSize is how long a file may be that is fetched. Default 4 GiB.
	MaxSize int64

	// Allow says with an error where links may not lead; redirections are asked about, too. Default http and https anywhere.
	Allow func(*url.URL) error
}

// Transfers sends and fetches files. Any goroutine may use it.
type Transfers struct {
	session Session
	cfg     Config
	http    *http.Client
}

// New returns what sends and fetches files. session may be nil where nothing is sent. It stays the caller's.
func New(session Session, cfg Config) (*Transfers, error) {
	if cfg.HTTP != nil && cfg.HTTP.Timeout != 0 {
		return nil, errors.New("files: the HTTP client has a Timeout, which would bound whole files")
	}
	if cfg.Tries == 0 {
		cfg.Tries = 10
	}
	if cfg.Pause == 0 {
		cfg.Pause = 500 * time.Millisecond
	}
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = 45 * time.Second
	}
	if cfg.MaxSize == 0 {
		cfg.MaxSize = 4 << 30
	}
	if cfg.Progress == nil {
		cfg.Progress = func(int64, int64) {}
	}
	if cfg.Allow == nil {
		cfg.Allow = func(*url.URL) error { return nil }
	}
	if cfg.Tries < 1 || cfg.MaxSize < 1 || cfg.IdleTimeout < 0 || cfg.Pause < 0 {
		return nil, errors.New("files: a number or a time is negative")
	}
	t := &Transfers{session: session, cfg: cfg}
	t.http = &http.Client{}
	if cfg.HTTP != nil {
		*t.http = *cfg.HTTP
	}
	follow := t.http.CheckRedirect
	t.http.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if err := t.allowed(r.URL); err != nil {
			return err
		}
		if follow != nil {
			return follow(r, via)
		}
		if len(via) >= 5 {
			return errors.New("the link leads on and on")
		}
		return nil
	}
	return t, nil
}

// ErrNotAllowed matches the refusal of a link by Config.Allow, or because it is none of HTTP.
var ErrNotAllowed = errors.New("the link is not allowed")

func (t *Transfers) allowed(u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("%w: it is not of http or https", ErrNotAllowed)
	}
	if err := t.cfg.Allow(u); err != nil {
		return fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	return nil
}

// StatusError is an answer that ends a transfer for good.
type StatusError struct{ Status int }

// Error tells the status.
func (e *StatusError) Error() string {
	if e.Status == statusChecksum {
		return "the server has received another file than was announced"
	}
	return fmt.Sprintf("the server answers %d %s", e.Status, http.StatusText(e.Status))
}

// Lasting tells whether another try would be answered the same.
func (e *StatusError) Lasting() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests, http.StatusTooEarly:
		return false
	}
	return e.Status < 500 || e.Status == http.StatusInsufficientStorage || e.Status == http.StatusNotImplemented
}

// statusChecksum is tus's.
const statusChecksum = 460

// lasting tells of a failure that another try would have no other end: what the server answers, that it is not believed, or speaks no TLS.
func lasting(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Lasting() || errors.As(err, new(*tls.CertificateVerificationError)) ||
		errors.As(err, new(tls.RecordHeaderError)) || errors.Is(err, http.ErrSchemeMismatch)
}

// patience counts what fails in a row.
type patience struct {
	cfg    *Config
	failed int
	pause  time.Duration
}

// progress begins the count anew.
func (p *patience) progress() { p.failed, p.pause = 0, 0 }

// wait waits until the next try, or returns err, which has failed, when there is none.
func (p *patience) wait(ctx context.Context, err error) error {
	if p.failed++; p.failed >= p.cfg.Tries {
		return err
	}
	p.pause = max(p.cfg.Pause, min(2*p.pause, 30*time.Second))
	timer := time.NewTimer(p.pause/2 + rand.N(p.pause/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), err)
	}
}

// errStalled is why a request ends in which nothing moves.
var errStalled = errors.New("nothing has moved for too long")

// guard returns a context that ends when moved was not called for the idle time.
func (t *Transfers) guard(ctx context.Context) (guarded context.Context, moved, end func()) {
	guarded, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(t.cfg.IdleTimeout, func() { cancel(errStalled) })
	return guarded, func() { timer.Reset(t.cfg.IdleTimeout) }, func() {
		timer.Stop()
		cancel(nil)
	}
}
