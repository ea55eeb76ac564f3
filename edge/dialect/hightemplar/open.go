package hightemplar

import (
	"context"
	"net/http"
	"time"

	"limegrove/edge/dialect"
	"limegrove/room"
)

// Config is what the clients of one endpoint have in common. API, Domain and Rooms are
// required.
type Config struct {
	API API

	// Domain is what the clients are identities of.
	Domain string

	// Rooms is the domain whose rooms they enter.
	Rooms string

	// Wildcards says whose * stands for any value. Default nobody's, as in the original.
	Wildcards room.Sides

	// Headers are sent to the API beside those that always are, or in place of them.
	Headers []Header

	// UserPath leads to who a client is in what the API answers to its call: to a text or a
	// number. Default none: nobody in particular.
	UserPath []string

	// Idle is how long a client may say nothing. Default 300s.
	Idle time.Duration

	// Subscriptions bounds what a client has subscribed to at once. Default 5000.
	Subscriptions int

	// Backlog bounds the bytes that wait for a client, who is cut off with more. Default
	// 1 MiB.
	Backlog int

	// Notify has the API told of clients that come, ping and go.
	Notify bool

	// Legacy has answers bear the requestId of their request, as in high-templar 2, and the
	// first frame say is_authenticated, too, as its page has it.
	Legacy bool

	// Origins are the pages that a browser may come from, as it says by Origin: "*" for all.
	// Default: those of the host that it asks.
	Origins []string

	// Triggers tells how many have come to this process from the message queue. Default none.
	Triggers func() int64
}

// API is the platform's own API. It knows clients by the headers that are passed on.
type API interface {
	// Bootstrap asks what a client may enter, and blocks until it has an answer, or ctx is
	// done.
	Bootstrap(ctx context.Context, headers http.Header) (status int, answer http.Header, body []byte, err error)
	// Notify tells it something, later. What is told of one connection is told in order.
	// It takes headers, and does not block.
	Notify(connection, path string, headers http.Header)
	// Unreadable is told why an answer of its says nothing.
	Unreadable(why error)
}

// What the API is told of: H-42.
const (
	pathOnline  = "user/notify_online/"
	pathOffline = "user/notify_offline/"
)

// Dialect is high-templar as it is spoken on one path.
type Dialect struct {
	cfg    Config
	counts counts
}

// New returns the dialect of a configuration.
func New(cfg Config) *Dialect {
	if cfg.Idle == 0 {
		cfg.Idle = 300 * time.Second
	}
	if cfg.Subscriptions == 0 {
		cfg.Subscriptions = 5000
	}
	if cfg.Backlog == 0 {
		cfg.Backlog = 1 << 20
	}
	return &Dialect{cfg: cfg, counts: counts{since: time.Now(), rooms: map[room.Name]int{}}}
}

// Name is that of a dialect.
func (d *Dialect) Name() string { return "hightemplar" }

// Domain is that of a dialect.
func (d *Dialect) Domain() string { return d.cfg.Domain }

// Open takes a client whose page is allowed. The API decides about it later.
func (d *Dialect) Open(r *http.Request) (dialect.Client, *dialect.Refusal) {
	if !dialect.AllowsOrigin(d.cfg.Origins, r) {
		return nil, dialect.ForeignOrigin()
	}
	return &session{dialect: d, headers: d.cfg.headers(r), id: newID()}, nil
}

var _ dialect.Dialect = (*Dialect)(nil)
