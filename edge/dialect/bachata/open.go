package bachata

import (
	"net/http"

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
	if !dialect.AllowsOrigin(d.cfg.Origins, r) {
		return nil, dialect.ForeignOrigin()
	}
	query := r.URL.Query()
	return d.cfg.client(query.Get(paramChannel), query.Get(paramToken)), nil
}

// unauthorized is what a client is told that may not have its channel.
const unauthorized = "Error: not authorized for channel access"

// Login is that of a dialect. What a client has is told by its confirmations alone.
func (c *client) Login() dialect.Login {
	identity, err := c.cfg.Channel(c.channel)
	asked := c.cfg.Access != AccessOpen
	if err != nil || c.channel == "" || asked && c.cfg.Access != AccessWebhook && c.token == "" {
		return dialect.Login{Refused: lime.NewReason(lime.CodeSessionAuthenticationFailed, unauthorized)}
	}
	login := dialect.Login{
		Node: lime.Node{Identity: identity}, Confirms: !c.cfg.Simple,
		Presence: &lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity, RoundRobin: !c.cfg.Fanout, Echo: true},
		Receipts: lime.EventsOf(lime.EventAccepted, lime.EventReceived, lime.EventConsumed),
	}
	if asked {
		login.Token, login.Asked = c.token, true
	}
	return login
}

// FromClient is that of a dialect. B-04: a binary message is read like text.
func (c *client) FromClient(message []byte, _ bool) dialect.Said { return c.cfg.fromClient(message) }

// End is that of a dialect: only who may not have its channel is told why. So is who was
// not let in since nobody could decide that: B-02.
func (c *client) End(why *lime.Reason) (frame []byte, reason string) {
	switch {
	case why == nil:
	case why.Code == lime.CodeSessionAuthenticationFailed, why.Code == lime.CodeValidationInvalidIdentity,
		why.Code == lime.CodeSessionError && c.cfg.Access != AccessOpen && !c.ready.Load():
		return nil, unauthorized
	}
	return nil, ""
}

var _ dialect.Dialect = (*Dialect)(nil)
