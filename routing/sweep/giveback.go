package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/sirupsen/logrus"

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
	refused cause = "refused" // too long for the inbox, or malformed
)

var causes = []cause{full, expired, refused}

func (c cause) reason() *lime.Reason {
	switch c {
	case full:
		return &lime.Reason{
			Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "Too many messages wait for the recipient",
		}
	case refused:
		return &lime.Reason{Code: lime.CodeValidationError, Description: "The message is longer than the cluster keeps"}
	}
	return &lime.Reason{Code: lime.CodeRoutingError, Description: "The recipient did not come for the message in time"}
}

// returned is a message that waits no longer.
type returned struct {
	message stream.Message
	why     cause
}

// giveBack tells the senders of messages that they failed after all, by notifications
// that are stored for them. When it returns no error the messages need not be kept;
// otherwise it is to be done again. Whoever was told by then is told twice only when that
// takes longer than the logs know an id.
//
// A log that is full is not waited for: were it the log that is swept, it would have room
// only when the sweep has gone on. Then a sender is told if it is there.
func (w *walk) giveBack(ctx context.Context, list []returned) error {
	var all []*nats.Msg
	for _, r := range list {
		if n := w.news(r); n != nil {
			all = append(all, n)
		}
	}
	if err := w.tellFailed(ctx, list); err != nil {
		return err
	}
	untold, why := 0, error(nil)
	for i, err := range w.cfg.Streams.Store(ctx, all) {
		if errors.Is(err, stream.ErrUnavailable) {
			return fmt.Errorf("give back %d messages: %w", len(list), err)
		}
		if err != nil {
			untold++
			w.metrics.untold.Inc()
			why = err
			w.publish(all[i])
		}
	}
	if untold > 0 {
		w.warn.Tell(logrus.WarnLevel, "only senders who are there are told that their messages failed", why, logrus.Fields{"messages": untold})
	}
	for _, r := range list {
		w.metrics.givenBack[r.why].Inc()
	}
	return nil
}

// publish gives news to whoever is there.
func (w *walk) publish(news *nats.Msg) {
	if key, token, ok := subject.SplitStored(news.Subject); ok {
		_ = w.cfg.Streams.Publish(&nats.Msg{Subject: key.To(token), Data: news.Data}) // it is counted as untold
	}
}

// tells is true for what somebody is told of when it fails: messages with an id. It leaves
// the message's header in w.header.
func (w *walk) tells(m stream.Message) bool {
	_, err := w.header.Scan(m.Data)
	return err == nil && w.header.Kind == lime.KindMessage && w.header.ID != nil
}

// senderOf is who is told of a message; ok is false when there is nobody to tell.
func (w *walk) senderOf(m stream.Message) (sender lime.Node, key subject.Key, ok bool) {
	if !w.tells(m) {
		return sender, "", false
	}
	from := w.header.From
	if w.header.PP != nil {
		from = w.header.PP
	}
	sender, err := lime.ParseNode(string(from))
	if err != nil {
		return sender, "", false
	}
	if _, group := lime.OfGroups(sender.Domain); group {
		return sender, "", false // whoever has sent to the group is not told of each member
	}
	key, err = subject.MakeKey(sender.Identity)
	return sender, key, err == nil
}

// news is what the sender of a message is to be told; nil when there is nobody to tell.
func (w *walk) news(r returned) *nats.Msg {
	to, key, ok := w.senderOf(r.message)
	if !ok {
		return nil
	}
	token := subject.Identity
	if gateway := r.message.Header.Get(stream.GatewayHeader); gateway != "" {
		key = subject.Key(gateway)
	} else if to.Instance != "" {
		token = subject.Token(to.Instance)
	}
	n := lime.Notification{
		ID: string(w.header.ID), To: to, Event: lime.EventFailed, Reason: r.why.reason(),
		From: lime.ServerNode(w.cfg.Domains, to.Domain, w.cfg.ID),
	}
	sum := sha256.Sum256([]byte(r.message.Subject + "\n" + strconv.FormatUint(r.message.Position, 10)))
	header := nats.Header{nats.MsgIdHdr: []string{base64.RawURLEncoding.EncodeToString(sum[:16])}}
	if seconds := r.message.Header.Get(stream.NewsLifetimeHeader); seconds != "" {
		header.Set(stream.LifetimeHeader, seconds)
	}
	return &nats.Msg{
		Subject: key.Log(key.Partition(w.cfg.Streams.Partitions()), token), Data: n.AppendJSON(nil), Header: header,
	}
}
