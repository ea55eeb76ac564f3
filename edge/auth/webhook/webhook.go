package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"limegrove/edge/auth"
	"limegrove/internal/outcall"
	"limegrove/internal/recent"
	"limegrove/internal/signature"
	"limegrove/lime"
	"limegrove/room"
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
	cfg   Config
	calls *outcall.Client
	cache cache
	stats *stats
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

// New makes one. It asks nothing yet. Several may be made with the same Metrics, one after the other: they count together.
func New(cfg Config) (*Webhook, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 1500 * time.Millisecond
	}
	w := &Webhook{
		cfg: cfg, cache: newCache(maxKept),
		calls: outcall.New(outcall.Config{
			Name: "auth webhook", Timeout: cfg.Timeout, Calls: cfg.Requests, Answer: maxAnswer, Transport: cfg.Transport,
		}),
	}
	var err error
	if w.stats, err = newStats(cfg.Metrics); err != nil {
		return nil, err
	}
	w.stats.alone.of.CompareAndSwap(nil, w)
	return w, nil
}

// Use has the metrics tell of this one and no longer of those before. The first one needs none.
func (w *Webhook) Use() { w.stats.alone.of.Store(w) }

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
	Rooms    rooms         `json:"rooms"`
	Reason   *struct {
		Description string `json:"description"`
	} `json:"reason"`

	busy bool // it has too much to do to say anything
}

// rooms are the rules of an answer.
type rooms room.Rules

// UnmarshalJSON bounds them.
func (r *rooms) UnmarshalJSON(b []byte) error {
	all, err := room.ParseGranted(b)
	*r = rooms(all)
	return err
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
	g := auth.Grant{Identity: node.Identity, Role: lime.RoleMember, Expires: a.Expires, Rooms: room.Rules(a.Rooms)}
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

// ask asks, if it may.
func (w *Webhook) ask(ctx context.Context, q question) (a answer, err error) {
	request, err := w.request(ctx, q)
	if err != nil {
		return answer{}, fmt.Errorf("ask the webhook: %w", err)
	}
	began := time.Now()
	_, err = w.calls.Do(request, func(said *outcall.Answer) (err error) {
		a, err = read(said)
		return err
	})
	switch {
	case errors.Is(err, outcall.ErrBusy), err == nil && a.busy:
		w.stats.asked(resultBusy)
		return answer{}, ErrBusy
	case errors.Is(err, outcall.ErrLeftAlone):
		w.stats.asked(resultOpen)
	case err != nil:
		w.stats.asked(resultFailed)
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

// request is what a question is as one.
func (w *Webhook) request(ctx context.Context, q question) (*http.Request, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	// Not cleared: the transport may go on reading it when the call has returned.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "limegrove")
	if w.cfg.Secret != nil {
		signature.Set(request.Header, w.cfg.Secret, body, time.Now())
	}
	return request, nil
}

// read reads an answer. An error says that it is none, and holds nothing of it.
func read(said *outcall.Answer) (a answer, err error) {
	switch status := said.Status; {
	case status == http.StatusTooManyRequests:
		return answer{busy: true}, nil
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		// It has found fault with what this client has said, whose login must not be able to
		// close those of others. What it says besides is for others, too.
		return answer{}, nil
	case status != http.StatusOK:
		return answer{}, fmt.Errorf("the answer is %d", status)
	case said.Cut != nil:
		return answer{}, said.Cut
	}
	if json.Unmarshal(said.Body, &a) != nil { // its text may quote the input
		return answer{}, errors.New("the answer cannot be read")
	}
	return a, nil
}
