package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"

	"limegrove/edge/auth"
	"limegrove/internal/recent"
	"limegrove/lime"
)

// Config is what a Webhook is made of. URL, Owners and Serves are required.
type Config struct {
	URL    string
	Owners auth.Owners
	Serves func(domain string) bool

	// Secret signs what is asked; nil for no signature.
	Secret []byte

	// Timeout bounds one request. Default 1.5s: an edge that has heard nothing for two
	// seconds asks another router.
	Timeout time.Duration

	// Requests bounds those under way; what comes beyond is refused with ErrBusy. Default 64.
	Requests int

	// Transport is for tests. Default one that keeps as many connections as Requests.
	Transport http.RoundTripper

	Metrics prometheus.Registerer // default: none
}

// Webhook is an auth.Authenticator that asks. It expects the checks that auth.Schemes makes.
type Webhook struct {
	cfg     Config
	client  *http.Client
	breaker *gobreaker.CircuitBreaker[answer]
	places  chan struct{}
	cache   cache
	stats   *stats
}

// ErrBusy says that too many requests are under way, or that the API says so. A later try may succeed.
var ErrBusy error = &lime.Reason{Code: lime.CodeSessionError, Description: "Too many logins wait; try again later"}

const (
	maxAnswer = 64 << 10 // bytes
	// maxWords bounds what a client is told in the API's words, in bytes.
	maxWords = 256
	// maxKept is how many grants are remembered.
	maxKept = 1 << 14
)

// New makes one. It asks nothing yet.
func New(cfg Config) (*Webhook, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 1500 * time.Millisecond
	}
	if cfg.Requests <= 0 {
		cfg.Requests = 64
	}
	if cfg.Transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost = cfg.Requests
		cfg.Transport = own
	}
	w := &Webhook{
		cfg: cfg, places: make(chan struct{}, cfg.Requests), cache: newCache(maxKept),
		client: &http.Client{
			Transport:     cfg.Transport,
			Timeout:       cfg.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	w.breaker = newBreaker()
	var err error
	w.stats, err = newStats(cfg.Metrics, w)
	return w, err
}

// newBreaker stops asking for five seconds after five failures in a row, or when of
// twenty in ten seconds half have failed. Then one is tried.
func newBreaker() *gobreaker.CircuitBreaker[answer] {
	return gobreaker.NewCircuitBreaker[answer](gobreaker.Settings{
		Name: "auth webhook", MaxRequests: 1, Interval: 10 * time.Second, Timeout: 5 * time.Second,
		IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, context.Canceled) }, // who asks has gone
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= 5 || c.Requests >= 20 && 2*c.TotalFailures >= c.Requests
		},
	})
}

// question is what the API is asked.
type question struct {
	Scheme         auth.Scheme         `json:"scheme"`
	Identity       lime.Identity       `json:"identity"`
	Instance       string              `json:"instance,omitempty"`
	Authentication json.RawMessage     `json:"authentication,omitempty"`
	Remote         string              `json:"remote,omitempty"`
	Certificate    *auth.Certificate   `json:"certificate,omitempty"`
	Headers        map[string][]string `json:"headers,omitempty"`
	Cookies        map[string]string   `json:"cookies,omitempty"`
}

// answer is what it says.
type answer struct {
	Granted  bool          `json:"granted"`
	Identity lime.Identity `json:"identity"` // default the one that was asked about
	Expires  time.Time     `json:"expires"`
	TTL      float64       `json:"ttl"` // in seconds
	Reason   *struct {
		Description string `json:"description"`
	} `json:"reason"`

	busy bool // it has too much to do to say anything
}

// Authenticate asks, unless it knows the answer.
func (w *Webhook) Authenticate(ctx context.Context, r auth.Request) (auth.Grant, error) {
	defer clear(r.Credentials)
	q := question{
		Scheme: r.Scheme, Identity: r.Node.Identity, Instance: r.Node.Instance, Authentication: r.Credentials, Certificate: r.Certificate,
	}
	if r.Upgrade != nil {
		q.Headers, q.Cookies = r.Upgrade.Headers, r.Upgrade.Cookies
	}
	known, err := w.cache.keyOf(q)
	if err != nil {
		return auth.Grant{}, fmt.Errorf("ask the webhook: %w", err)
	}
	if g, ok := w.cache.Get(known); ok {
		w.stats.asked(resultCached)
		node := r.Node
		node.Identity = g.Identity
		if err := w.own(ctx, node); err != nil { // it may have been deleted since
			return auth.Grant{}, err
		}
		return g, nil
	}
	if r.Remote.IsValid() {
		q.Remote = r.Remote.String()
	}
	a, err := w.ask(ctx, q)
	if err != nil {
		return auth.Grant{}, err
	}
	return w.take(ctx, r, a, known)
}

// take makes a grant of an answer.
func (w *Webhook) take(ctx context.Context, r auth.Request, a answer, known recent.Key) (auth.Grant, error) {
	if !a.Granted {
		why := lime.NewReason(lime.CodeSessionAuthenticationFailed, "The credentials were not accepted")
		if a.Reason != nil && a.Reason.Description != "" {
			why.Description = cut(a.Reason.Description, maxWords)
		}
		return auth.Grant{}, auth.RefusedFor(auth.OutcomeCredentials, why)
	}
	node := r.Node
	if !a.Identity.IsZero() {
		node.Identity = a.Identity
	}
	if node.Name == "" || lime.IsPostmaster(node.Name) || !w.cfg.Serves(node.Domain) {
		return auth.Grant{}, errIdentity
	}
	if err := w.own(ctx, node); err != nil {
		return auth.Grant{}, err
	}
	g := auth.Grant{Identity: node.Identity, Role: lime.RoleMember, Expires: a.Expires}
	w.cache.remember(known, g, time.Duration(a.TTL*float64(time.Second)))
	return g, nil
}

// own makes the account of who is let in, if there is none.
func (w *Webhook) own(ctx context.Context, node lime.Node) error {
	if err := w.cfg.Owners.Own(ctx, node, true); err != nil {
		return fmt.Errorf("login of %s by the webhook: %w", node, err)
	}
	return nil
}

// cut returns as much of a text as has at most so many bytes, in whole characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// errIdentity is for an answer that lets in as somebody whom nobody may be here.
var errIdentity = errors.New("the webhook has granted an identity that is not of a served domain")

// ask asks, with a place and when the breaker lets it.
func (w *Webhook) ask(ctx context.Context, q question) (answer, error) {
	select {
	case w.places <- struct{}{}:
	default:
		w.stats.asked(resultBusy)
		return answer{}, ErrBusy
	}
	defer func() { <-w.places }()
	began := time.Now()
	a, err := w.breaker.Execute(func() (answer, error) { return w.post(ctx, q) })
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		w.stats.asked(resultOpen)
	case err != nil:
		w.stats.asked(resultFailed)
	case a.busy:
		w.stats.asked(resultBusy)
		return answer{}, ErrBusy
	case a.Granted:
		w.stats.asked(resultGranted)
	default:
		w.stats.asked(resultRefused)
	}
	if err != nil {
		return answer{}, fmt.Errorf("ask the webhook: %w", err)
	}
	w.stats.seconds.Observe(time.Since(began).Seconds())
	return a, nil
}

// post is one request. Its errors hold nothing of what was sent.
func (w *Webhook) post(ctx context.Context, q question) (a answer, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return answer{}, err
	}
	// Not cleared: the transport may go on reading it when Do has returned.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "limegrove")
	w.sign(request, body)
	response, err := w.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests:
		return answer{busy: true}, nil
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		// It has found fault with what this client has said, whose login must not be able to
		// close those of others. What it says besides is for others, too.
		return answer{}, nil
	case status != http.StatusOK:
		return answer{}, fmt.Errorf("the answer is %d", status)
	case err != nil:
		return answer{}, err
	case len(text) > maxAnswer:
		return answer{}, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	if json.Unmarshal(text, &a) != nil { // its text may quote the input
		return answer{}, errors.New("the answer cannot be read")
	}
	return a, nil
}

// sign says who asks, and when, so that an answer is not given to who has recorded it.
func (w *Webhook) sign(request *http.Request, body []byte) {
	if w.cfg.Secret == nil {
		return
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	h := hmac.New(sha256.New, w.cfg.Secret)
	h.Write([]byte(at + "."))
	h.Write(body)
	request.Header.Set("Limegrove-Timestamp", at)
	request.Header.Set("Limegrove-Signature", "sha256="+hex.EncodeToString(h.Sum(nil)))
}
