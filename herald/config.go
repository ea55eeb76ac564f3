package herald

import (
	"context"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/presence"
)

// Registry tells who is where.
type Registry interface {
	// Registered returns the registrations of each of ids, in their order, those of
	// dead edges that were not swept included.
	Registered(ctx context.Context, ids []lime.Identity) ([]presence.View, error)
	// Telling notes that others are being told of id, and returns what they were told
	// last: "" when that is not noted, and something that begins with presence.Uncertain
	// when somebody else is at it, or was and has not ended, and when it is not known.
	// Told ends it.
	Telling(ctx context.Context, id lime.Identity, mark string) (before string, err error)
	Told(ctx context.Context, id lime.Identity, mark, told string) error
	// ToldOne notes what one alone was told of each of ids: Telling returns presence.Uncertain
	// next, where all were told something else last or are being told.
	ToldOne(ctx context.Context, ids []lime.Identity, told []string) error
}

// Roster tells who knows whom.
type Roster interface {
	// Known returns the contacts of an owner, those with whom it shares its presence and the
	// others. The slices are not to be changed.
	Known(ctx context.Context, owner lime.Identity) (sharing, others []lime.Identity, err error)
	// SharesPresence tells whether owner shares its presence with somebody by now.
	SharesPresence(ctx context.Context, owner, with lime.Identity) (bool, error)
	// Sharing returns those of owners who share their presence with somebody.
	Sharing(ctx context.Context, with lime.Identity, owners []lime.Identity) ([]lime.Identity, error)
	// Subscribers and Subscriptions are who is subscribed to an identity, and to whom
	// it is.
	Subscribers(ctx context.Context, target lime.Identity) ([]lime.Identity, error)
	Subscriptions(ctx context.Context, subscriber lime.Identity) ([]lime.Identity, error)
}

// Diary keeps when identities were seen.
type Diary interface {
	SetSeen(ctx context.Context, id lime.Identity, when time.Time) error
	Seen(ctx context.Context, id lime.Identity) (time.Time, error) // zero when it never was
}

// Publisher brings observes to where they are for.
type Publisher interface {
	// Observe publishes an envelope, which it borrows, for all sessions of an identity
	// that want to hear of others, or for one of them.
	Observe(to lime.Node, envelope []byte) error
	// Flush returns when all that was published has left. ctx has a deadline.
	Flush(ctx context.Context) error
}

// Config is what a Herald is made of. Registry, Roster, Diary and Publisher are required.
type Config struct {
	Registry  Registry
	Roster    Roster
	Diary     Diary
	Publisher Publisher

	// Permits tells whether an owner lets somebody see its presence by something else
	// than a contact. Default: it does not.
	Permits func(ctx context.Context, owner, by lime.Identity) (bool, error)

	// Withdrawn is called when an owner shares with somebody no more. Default: nothing.
	Withdrawn func(ctx context.Context, owner, from lime.Identity) error

	// Debounce is from the first event of an identity to when it is worked on. Longer
	// spares more of what flaps, and makes everything later. Default 200ms.
	Debounce time.Duration

	// Workers is how many identities are worked on at once, at most half of them such as have
	// taken long before. Default 32.
	Workers int

	// Backlog bounds the identities that wait. Default 65536.
	Backlog int

	// Timeout bounds the work on one identity. Default 10s.
	Timeout time.Duration

	// Chunk is how many observes one session gets at once when it begins, and Pause the
	// time between two chunks: more at once may not fit into what an edge holds for a
	// client. Defaults 64 and 20ms.
	Chunk int
	Pause time.Duration

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

func (c *Config) setDefaults() {
	if c.Permits == nil {
		c.Permits = func(context.Context, lime.Identity, lime.Identity) (bool, error) { return false, nil }
	}
	if c.Withdrawn == nil {
		c.Withdrawn = func(context.Context, lime.Identity, lime.Identity) error { return nil }
	}
	if c.Debounce <= 0 {
		c.Debounce = 200 * time.Millisecond
	}
	if c.Workers <= 0 {
		c.Workers = 32
	}
	if c.Backlog <= 0 {
		c.Backlog = 65536
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Chunk <= 0 {
		c.Chunk = 64
	}
	if c.Pause <= 0 {
		c.Pause = 20 * time.Millisecond
	}
	if c.Logger == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		c.Logger = silent
	}
}
