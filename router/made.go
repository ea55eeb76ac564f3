package router

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/routing"
)

const (
	// madeAgain is when it is told a second time that an account was made. It is
	// longer than a guest of that name takes from its login, which was granted
	// before there was the account, to its session.
	madeAgain = 30 * time.Second

	// madeBacklog bounds those who wait for that. What does not fit is told once.
	madeBacklog = 4096
)

// newAccounts tells the edges that a name belongs to an account now, so that its
// guests end: at once, and again for those who were on their way in.
type newAccounts struct {
	nats *nats.Conn
	log  logrus.FieldLogger
	wait chan newAccount
}

type newAccount struct {
	identity lime.Identity
	maker    lime.Node // its session goes on
	again    time.Time
}

func newNewAccounts(nc *nats.Conn, log logrus.FieldLogger) *newAccounts {
	return &newAccounts{nats: nc, log: log, wait: make(chan newAccount, madeBacklog)}
}

// tell tells of one. It does not block.
func (n *newAccounts) tell(i lime.Identity, maker lime.Node) {
	a := newAccount{i, maker, time.Now().Add(madeAgain)}
	n.publish(a)
	select {
	case n.wait <- a:
	default:
	}
}

// run tells again, until ctx is done.
func (n *newAccounts) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-n.wait: // the first to come is the first to be told again
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(a.again)):
				n.publish(a)
			}
		}
	}
}

func (n *newAccounts) publish(a newAccount) {
	if err := routing.TellAccount(n.nats, a.identity, a.maker); err != nil {
		n.log.WithError(err).Warn("could not tell that an account was made")
	}
}
