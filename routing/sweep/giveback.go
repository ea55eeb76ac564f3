package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// cause is why a message is given back; it is the label of
// limegrove_sweep_given_back_total.
type cause string

const (
	full    cause = "inbox_full"
	expired cause = "expired"
)

var causes = []cause{full, expired}

func (c cause) reason() *lime.Reason {
	if c == full {
		return &lime.Reason{
			Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "Too many messages wait for the recipient",
		}
	}
	return &lime.Reason{Code: lime.CodeRoutingError, Description: "The recipient did not come for the message in time"}
}

// giveBack tells the sender of a message that it failed after all, by a notification
// that is stored for it. Nobody hears of what has no id, and of notifications.
func (w *walk) giveBack(m stream.Message, why cause) {
	w.metrics.givenBack[why].Inc()
	if _, err := w.header.Scan(m.Data); err != nil || w.header.Kind != lime.KindMessage || w.header.ID == nil {
		return
	}
	sender := w.header.From
	if w.header.PP != nil {
		sender = w.header.PP
	}
	to, err := lime.ParseNode(string(sender))
	if err != nil {
		return
	}
	key, err := subject.MakeKey(to.Identity)
	if err != nil {
		return
	}
	token := subject.Identity
	if to.Instance != "" {
		token = subject.Token(to.Instance)
	}
	n := lime.Notification{
		ID: string(w.header.ID), To: to, Event: lime.EventFailed, Reason: why.reason(),
		From: lime.Node{Identity: lime.Identity{Name: lime.Postmaster, Domain: to.Domain}, Instance: "#" + w.cfg.ID},
	}
	sum := sha256.Sum256([]byte(m.Subject + "\n" + strconv.FormatUint(m.Position, 10)))
	err = w.cfg.NATS.PublishMsg(&nats.Msg{
		Subject: key.Log(key.Partition(w.cfg.Streams.Partitions()), token), Data: n.AppendJSON(nil),
		Header: nats.Header{nats.MsgIdHdr: []string{base64.RawURLEncoding.EncodeToString(sum[:16])}},
	})
	if err != nil {
		w.log.WithError(err).Warn("a sender could not be told that its message failed")
	}
}

// expirePage is how many waiting messages are looked at together.
const expirePage = 100

// expire gives back what has waited in the inbox for longer than its lifetime. The
// oldest comes first there, so that one look is mostly enough.
func (w *walk) expire(ctx context.Context) error {
	now := time.Now()
	if now.Sub(w.expired) < min(expireEvery, w.cfg.Lifetime) {
		return nil
	}
	w.expired = now
	for {
		page, err := w.cfg.Streams.ReadInbox(ctx, w.p, subject.InboxAll(w.p), 0, expirePage, moveBytes)
		if err != nil {
			return fmt.Errorf("look for what has expired: %w", err)
		}
		for _, m := range page.Messages {
			if now.Sub(m.Stored) <= w.cfg.Lifetime {
				return nil
			}
			w.giveBack(m, expired)
			if err := w.cfg.Streams.Delete(ctx, w.p, m.Sequence); err != nil {
				return fmt.Errorf("remove what has expired: %w", err)
			}
		}
		if !page.More {
			return nil
		}
	}
}
