package routing

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/internal/complaint"
	"limegrove/routing/interest"
)

// ConnectConfig is how a process reaches the broker.
type ConnectConfig struct {
	URL  string // of one or several servers, separated by commas; not over WebSocket
	Name string // as the broker shows the connection

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none

	// For is what the connection is for, as metrics tell; each of a process has another.
	For string

	// Inbox is a token that all subjects begin with on which this connection is answered, behind
	// _INBOX, so that the broker's permissions can keep others from listening. Default: none.
	Inbox string
}

// Connect connects to NATS for good: it returns when the first connection is
// there, and reconnects for ever after that, subscriptions included.
//
// While the broker is away a publication fails at once instead of waiting in a
// buffer, so that a sender hears of it; and a broker that does not read holds up
// whoever publishes for at most a few seconds before the connection is given up.
func Connect(cfg ConnectConfig) (*nats.Conn, error) {
	log := logger(cfg.Logger)
	trouble := &complaint.Log{Logger: log} // a client may bring about one with each subscription
	inbox := strings.TrimSuffix(nats.InboxPrefix+cfg.Inbox, ".")
	nc, err := nats.Connect(
		cfg.URL,
		interest.Option(),
		nats.Name(cfg.Name),
		nats.CustomInboxPrefix(inbox),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250*time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(10*time.Second),
		nats.MaxPingsOutstanding(2),
		nats.Timeout(5*time.Second),
		nats.FlusherTimeout(3*time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.WithError(err).Warn("NATS is away; sessions stay")
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.WithField("server", nc.ConnectedUrlRedacted()).Info("NATS is back")
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			trouble.Warn("NATS reports an error", err)
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err) // the URL may hold a password
	}
	watchConnection(cfg.Metrics, cfg.For, nc)
	return nc, nil
}
