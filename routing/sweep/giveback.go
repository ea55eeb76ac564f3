package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

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
// that are stored for them. When it returns no error, they are, and the messages need
// not be kept; otherwise it is to be done again: a log without a leader has one later, and
// one without room gets some by what is purged. Whoever was told by then is told twice only
// when that takes longer than the logs know an id.
func (w *walk) giveBack(ctx context.Context, list []returned) error {
	var all []*nats.Msg
	for _, r := range list {
		if n := w.news(r); n != nil {
			all = append(all, n)
		}
	}
	for i, err := range w.cfg.Streams.Store(ctx, all) {
		if err != nil && !errors.Is(err, stream.ErrRefused) {
			return fmt.Errorf("give back %d messages: %w", len(list), err)
		}
		if err != nil { // it will never be stored
			w.metrics.untold.Inc()
			w.log.WithError(err).WithField("subject", all[i].Subject).Warn("a sender cannot be told that its message failed")
		}
	}
	for _, r := range list {
		w.metrics.givenBack[r.why].Inc()
	}
	return nil
}

// tells is true for what somebody is told of when it fails: messages with an id. It leaves
// the message's header in w.header.
func (w *walk) tells(m stream.Message) bool {
	_, err := w.header.Scan(m.Data)
	return err == nil && w.header.Kind == lime.KindMessage && w.header.ID != nil
}

// news is what the sender of a message is to be told; nil when there is nobody to tell.
func (w *walk) news(r returned) *nats.Msg {
	if !w.tells(r.message) {
		return nil
	}
	sender := w.header.From
	if w.header.PP != nil {
		sender = w.header.PP
	}
	to, err := lime.ParseNode(string(sender))
	if err != nil {
		return nil
	}
	key, err := subject.MakeKey(to.Identity)
	if err != nil {
		return nil
	}
	token := subject.Identity
	if to.Instance != "" {
		token = subject.Token(to.Instance)
	}
	n := lime.Notification{
		ID: string(w.header.ID), To: to, Event: lime.EventFailed, Reason: r.why.reason(),
		From: lime.Node{Identity: lime.Identity{Name: lime.Postmaster, Domain: to.Domain}, Instance: "#" + w.cfg.ID},
	}
	sum := sha256.Sum256([]byte(r.message.Subject + "\n" + strconv.FormatUint(r.message.Position, 10)))
	return &nats.Msg{
		Subject: key.Log(key.Partition(w.cfg.Streams.Partitions()), token), Data: n.AppendJSON(nil),
		Header: nats.Header{nats.MsgIdHdr: []string{base64.RawURLEncoding.EncodeToString(sum[:16])}},
	}
}
