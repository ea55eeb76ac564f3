package trigger

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
)

// group is the queue group of all who take triggers from a subject.
const group = "hightemplar-triggers"

// TakeFromSubject takes triggers that come on a subject of NATS until ctx is done. A request is
// answered as over HTTP.
func (t *Triggers) TakeFromSubject(ctx context.Context, nc *nats.Conn, subject string) error {
	messages := make(chan *nats.Msg, subjectBacklog)
	sub, err := nc.ChanQueueSubscribe(subject, group, messages)
	if err != nil {
		return fmt.Errorf("take triggers from %s: %w", subject, err)
	}
	lost := 0
	for {
		select {
		case <-ctx.Done():
			t.countLost(sub, &lost)
			if err := sub.Unsubscribe(); err != nil && !nc.IsClosed() {
				return fmt.Errorf("take no triggers from %s any more: %w", subject, err)
			}
			return nil
		case msg := <-messages:
			t.countLost(sub, &lost) // one is lost while others wait, which come here later
			answer := "publish success"
			if err := t.Take(FromSubject, msg.Data); err != nil {
				answer = err.Error()
			}
			if msg.Reply != "" {
				_ = msg.Respond([]byte(answer)) // who asked will ask again
			}
		}
	}
}

// countLost counts what the client library has dropped since lost was so much.
func (t *Triggers) countLost(sub *nats.Subscription, lost *int) {
	dropped, err := sub.Dropped()
	if err != nil { // it has ended
		return
	}
	t.metrics.dropped[dropOverload].Add(float64(dropped - *lost))
	*lost = dropped
}

// subjectBacklog bounds the triggers that wait; the client library drops what does not fit.
const subjectBacklog = 4096
