package backing

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/internal/complaint"
	"limegrove/internal/outcall"
)

// Config is what an API is made of. URL is required.
type Config struct {
	// URL is what the paths of all calls follow; a slash is added when it ends in none.
	URL string

	// Socket is a Unix socket to reach it by, whatever the URL's host. Default none.
	Socket string

	// Timeout bounds one call. Default 5s.
	Timeout time.Duration

	// Calls bounds those under way about clients that come in. Default 64.
	Calls int

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// API is a platform's own API. It is told of clients while Run runs.
type API struct {
	cfg     Config
	asked   *outcall.Client
	told    *outcall.Client
	lanes   []*lane
	seed    maphash.Seed // of their choice
	metrics *metrics
	trouble complaint.Log
}

const (
	// maxAnswer bounds what it says of one client, in bytes.
	maxAnswer = 1 << 20
	// notLetIn is logged of the questions that came to nothing, one in logPause.
	notLetIn = "a client is not let in: the backing API has not said whether it may"
	logPause = 5 * time.Second
	// maxRedirects is how often it may send a call elsewhere.
	maxRedirects = 5
)

// New makes one. It asks nothing yet.
func New(cfg Config) *API {
	if cfg.URL != "" && cfg.URL[len(cfg.URL)-1] != '/' {
		cfg.URL += "/"
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		cfg.Logger = silent
	}
	calls := outcall.Config{
		Name: "bootstrap", Timeout: cfg.Timeout, Calls: cfg.Calls, Answer: maxAnswer, Redirects: maxRedirects, Socket: cfg.Socket,
	}
	a := &API{cfg: cfg, asked: outcall.New(calls), seed: maphash.MakeSeed()}
	a.trouble.Logger, a.trouble.Pause = cfg.Logger, logPause
	calls.Name, calls.Calls, calls.Answer = "notify", lanes, 64<<10
	a.told = outcall.New(calls)
	for range lanes {
		a.lanes = append(a.lanes, &lane{notices: make(chan notice, laneLength), waiting: map[string]struct{}{}})
	}
	a.metrics = newMetrics(cfg.Metrics, a)
	return a
}

// Bootstrap asks what a client may enter, which it knows by headers, and blocks until it has an
// answer, or ctx is done. Those headers are only read. An error says that there was none.
func (a *API) Bootstrap(ctx context.Context, headers http.Header) (status int, answer http.Header, body []byte, err error) {
	request, err := a.request(ctx, http.MethodGet, "bootstrap/", headers)
	if err != nil {
		return 0, nil, nil, err
	}
	began := time.Now()
	said, err := a.asked.Do(request, func(said *outcall.Answer) error {
		switch {
		case isAway(said.Status):
			return statusError(said.Status)
		case said.Status == http.StatusOK && !errors.Is(said.Cut, outcall.ErrTooLong):
			return said.Cut
		}
		return nil
	})
	if err == nil && said.Status == http.StatusOK {
		err = said.Cut
	}
	a.metrics.asked(err)
	if err != nil {
		err = fmt.Errorf("ask the backing API: %w", err)
		if !errors.Is(err, outcall.ErrLeftAlone) { // which others were before
			a.trouble.Warn(notLetIn, err)
		}
		return 0, nil, nil, err
	}
	a.metrics.seconds.Observe(time.Since(began).Seconds())
	return said.Status, said.Header, said.Body, nil
}

// Unreadable is told that an answer about a client says nothing, and why.
func (a *API) Unreadable(why error) {
	a.metrics.results[resultUnreadable].Inc()
	a.trouble.Warn(notLetIn, why)
}

// isAway tells whether a status says that nobody is there who could answer. Any other is an
// answer about the client, one of 500, too: whose requests the API cannot bear must not be able
// to close the door for others.
func isAway(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// statusError is an answer that says that the server cannot answer.
type statusError int

// Error is that of error.
func (s statusError) Error() string { return fmt.Sprintf("the answer is %d", int(s)) }

// request is a call about a client.
func (a *API) request(ctx context.Context, method, path string, headers http.Header) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, a.cfg.URL+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("call the backing API: %w", err)
	}
	r.Header = headers.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Accept", "*/*")
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = nil // and not Go's
	}
	return r, nil
}
