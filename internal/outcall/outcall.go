package outcall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Config is what a Client is made of. Zero means the default.
type Config struct {
	// Name is for errors.
	Name string

	// Timeout bounds one call, redirects included. Default 5s.
	Timeout time.Duration

	// Calls bounds those under way; what comes beyond fails with ErrBusy. As many
	// connections are kept. Default 64.
	Calls int

	// Answer bounds the body of an answer, in bytes. Default 64 KiB.
	Answer int

	// Redirects bounds how many are followed, to the same host alone, and never out of TLS:
	// what is sent is not for others. The last one that is not followed is the answer. Default
	// none.
	Redirects int

	// Socket is a Unix socket to connect to, whatever the host. Default none.
	Socket string

	// Transport is for tests.
	Transport http.RoundTripper
}

// maxHead bounds the head of an answer, in bytes.
const maxHead = 64 << 10

// Client asks one server.
type Client struct {
	cfg     Config
	http    *http.Client
	breaker *gobreaker.CircuitBreaker[*Answer]
	places  chan struct{}
}

// Answer is what a server has said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // nil when it is not whole
	Cut    error  // why it is not
}

// Errors of a Client.
var (
	// ErrBusy says that too many calls are under way.
	ErrBusy = errors.New("too many calls are under way")
	// ErrLeftAlone says that the server has failed too often, and is asked nothing for now.
	ErrLeftAlone = errors.New("it has failed too often, and is left alone for now")
	// ErrTooLong is why a body is not whole that has more than Answer.
	ErrTooLong = errors.New("the answer is too long")
)

// New makes one. It asks nothing yet.
func New(cfg Config) *Client {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Calls <= 0 {
		cfg.Calls = 64
	}
	if cfg.Answer <= 0 {
		cfg.Answer = 64 << 10
	}
	if cfg.Transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost = cfg.Calls
		own.MaxResponseHeaderBytes = maxHead
		if cfg.Socket != "" {
			own.Proxy = nil
			own.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", cfg.Socket)
			}
		}
		cfg.Transport = own
	}
	c := &Client{cfg: cfg, places: make(chan struct{}, cfg.Calls), breaker: newBreaker(cfg.Name)}
	c.http = &http.Client{Transport: cfg.Transport, Timeout: cfg.Timeout, CheckRedirect: c.follow}
	return c
}

// newBreaker stops asking for five seconds after five failures in a row, or when of
// twenty in ten seconds half have failed. Then one is tried.
func newBreaker(name string) *gobreaker.CircuitBreaker[*Answer] {
	return gobreaker.NewCircuitBreaker[*Answer](gobreaker.Settings{
		Name: name, MaxRequests: 1, Interval: 10 * time.Second, Timeout: 5 * time.Second,
		IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, context.Canceled) }, // who asks has gone
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= 5 || c.Requests >= 20 && 2*c.TotalFailures >= c.Requests
		},
	})
}

// follow tells whether a redirect is followed.
func (c *Client) follow(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	if len(before) > c.cfg.Redirects || !strings.EqualFold(next.URL.Hostname(), first.Hostname()) || first.Scheme == "https" && next.URL.Scheme != first.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// LeftAlone tells whether the server is asked nothing, or one thing, for now.
func (c *Client) LeftAlone() bool { return c.breaker.State() != gobreaker.StateClosed }

// Do asks, and has judge say whether the answer is a failure of the server, by an error. It
// returns that, ErrBusy, ErrLeftAlone, or what kept it from an answer. Its own errors hold
// nothing of what was sent.
func (c *Client) Do(r *http.Request, judge func(*Answer) error) (*Answer, error) {
	select {
	case c.places <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	defer func() { <-c.places }()
	a, err := c.breaker.Execute(func() (*Answer, error) {
		a, err := c.call(r)
		if err == nil {
			err = judge(a)
		}
		return a, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return nil, ErrLeftAlone
	}
	return a, err
}

// call is one call.
func (c *Client) call(r *http.Request) (*Answer, error) {
	response, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	a := &Answer{Status: response.StatusCode, Header: response.Header}
	a.Body, a.Cut = io.ReadAll(io.LimitReader(response.Body, int64(c.cfg.Answer)+1))
	if a.Cut == nil && len(a.Body) > c.cfg.Answer {
		a.Cut = fmt.Errorf("%w: more than %d bytes", ErrTooLong, c.cfg.Answer)
	}
	if a.Cut != nil {
		a.Body = nil
	}
	return a, nil
}

// Close closes the connections that are kept.
func (c *Client) Close() { c.http.CloseIdleConnections() }
