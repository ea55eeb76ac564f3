package bachata

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

// The parameters of a request.
const (
	paramChannel = "channel"
	paramToken   = "token"
)

// Dialect is bachata as it is spoken on one path.
type Dialect struct{ cfg Config }

// New returns the dialect of a configuration.
func New(cfg Config) *Dialect { return &Dialect{cfg: cfg} }

// Name is that of a dialect.
func (d *Dialect) Name() string { return "bachata" }

// Domain is that of a dialect.
func (d *Dialect) Domain() string { return d.cfg.Domain }

// Open takes a client whose page is allowed, of the channel that the query names. One that
// may not have it is let in, and told: B-02.
func (d *Dialect) Open(r *http.Request) (dialect.Client, *dialect.Refusal) {
	if !d.cfg.allows(r.Header.Get("Origin"), r.Host) {
		return nil, &dialect.Refusal{Status: http.StatusForbidden, Text: "the page is of another origin"}
	}
	query := r.URL.Query()
	return d.cfg.client(query.Get(paramChannel), query.Get(paramToken)), nil
}

// allows tells whether a page's origin may be spoken to. Who says none is no browser.
func (c *Config) allows(origin, host string) bool {
	if origin == "" || slices.Contains(c.Origins, "*") || slices.Contains(c.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && len(c.Origins) == 0 && strings.EqualFold(u.Host, host)
}

// unauthorized is what a client is told that may not have its channel.
const unauthorized = "Error: not authorized for channel access"

// Login is that of a dialect. What a client has is told by its confirmations alone.
func (c *client) Login() dialect.Login {
	identity, err := c.cfg.Channel(c.channel)
	if err != nil || c.channel == "" || c.cfg.Tokens && c.token == "" {
		return dialect.Login{Refused: lime.NewReason(lime.CodeSessionAuthenticationFailed, unauthorized)}
	}
	login := dialect.Login{
		Node: lime.Node{Identity: identity}, Confirms: !c.cfg.Simple,
		Presence: &lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity, RoundRobin: !c.cfg.Fanout, Echo: true},
		Receipts: lime.EventsOf(lime.EventAccepted, lime.EventReceived, lime.EventConsumed),
	}
	if c.cfg.Tokens {
		login.Token = c.token
	}
	return login
}

// FromClient is that of a dialect. B-04: a binary message is read like text.
func (c *client) FromClient(message []byte, _ bool) dialect.Said { return c.cfg.fromClient(message) }

// End is that of a dialect: only who may not have its channel is told why.
func (c *client) End(why *lime.Reason) (frame []byte, reason string) {
	if why != nil && (why.Code == lime.CodeSessionAuthenticationFailed || why.Code == lime.CodeValidationInvalidIdentity) {
		return nil, unauthorized
	}
	return nil, ""
}

var _ dialect.Dialect = (*Dialect)(nil)
