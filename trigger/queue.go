package trigger

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/sirupsen/logrus"
)

// Queue is the message queue that triggers come from.
type Queue struct {
	// URL is that of the broker: amqp://user:password@host.
	URL string
	// Exchange is what backends publish to. It is made as the original does, unless there is
	// one.
	Exchange string
	// Name is for the broker's list of connections.
	Name string
}

const (
	// queue is what all who take triggers share. It is durable, as RabbitMQ wants of queues that
	// are shared, but not its messages: what it brings is live.
	queue = "hightemplar_limegrove"
	// key is what triggers are routed by. For an exchange of its kind it is no wildcard: H-36.
	key = "*"
	// taken is how many triggers are on their way to one who takes them.
	taken = 256

	queueExpires = time.Hour   // without anybody who takes triggers
	triggerLives = time.Minute // in the queue
	queueLength  = 100_000     // triggers; the oldest make place

	leastPause, mostPause = 100 * time.Millisecond, 3 * time.Second // between two tries
	dialPatience          = 5 * time.Second
	heartbeat             = 5 * time.Second
)

// TakeFromQueue takes triggers until ctx is done, and connects again for as long as that takes.
func (t *Triggers) TakeFromQueue(ctx context.Context, q Queue) {
	log := t.cfg.Logger.WithField("exchange", q.Exchange)
	pause := leastPause
	for ctx.Err() == nil {
		connected, err := t.consume(ctx, q, log)
		t.metrics.connected.Set(0)
		if ctx.Err() != nil {
			return
		}
		if connected {
			pause = leastPause
		}
		t.warn.Tell(logrus.WarnLevel, "no triggers come from the message queue; trying on", err, logrus.Fields{"exchange": q.Exchange})
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, mostPause)
	}
}

// consume takes triggers over one connection until that ends, and tells whether it began.
func (t *Triggers) consume(ctx context.Context, q Queue, log logrus.FieldLogger) (connected bool, err error) {
	conn, err := amqp.DialConfig(q.URL, amqp.Config{
		Heartbeat: heartbeat, Dial: dial(ctx), Properties: amqp.Table{"connection_name": q.Name},
	})
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.CloseDeadline(time.Now().Add(dialPatience)) }() // it may be closed
	ch, err := open(conn, q.Exchange)
	if err != nil {
		return false, err
	}
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	deliveries, err := ch.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		return false, fmt.Errorf("consume: %w", err)
	}
	t.metrics.connected.Set(1)
	log.Info("triggers come from the message queue")
	for {
		select {
		case <-ctx.Done():
			return true, nil
		case d, ok := <-deliveries:
			if !ok {
				return true, cause(closed)
			}
			// What is malformed will be so again, and what the rooms' broker does not take is
			// late by then: H-37.
			_ = t.Take(FromQueue, d.Body)
			if err := d.Ack(false); err != nil {
				return true, fmt.Errorf("acknowledge: %w", err)
			}
		}
	}
}

// dial connects unless ctx is done. The library takes the deadline away when it has greeted the
// broker.
func dial(ctx context.Context) func(network, addr string) (net.Conn, error) {
	return func(network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return conn, conn.SetDeadline(time.Now().Add(dialPatience))
	}
}

// cause is why no deliveries come any more. Of a channel that has closed, closed has been told;
// of a queue that was removed it is told nothing.
func cause(closed <-chan *amqp.Error) error {
	select {
	case err := <-closed:
		if err != nil {
			return err
		}
		return errors.New("the channel has closed")
	default:
		return errors.New("the broker has ended the consumer: the queue may be gone")
	}
}

// open opens a channel with all that triggers need.
func open(conn *amqp.Connection, exchange string) (*amqp.Channel, error) {
	for what, declare := range map[string]func(*amqp.Channel) error{
		"the exchange " + exchange: func(ch *amqp.Channel) error {
			return ch.ExchangeDeclare(exchange, amqp.ExchangeDirect, false, false, false, false, nil)
		},
		"the queue " + queue: func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare(queue, true, false, false, false, amqp.Table{
				amqp.QueueTTLArg: queueExpires.Milliseconds(), amqp.QueueMessageTTLArg: triggerLives.Milliseconds(), amqp.QueueMaxLenArg: queueLength,
			})
			return err
		},
	} {
		if err := declared(conn, declare); err != nil {
			return nil, fmt.Errorf("declare %s: %w", what, err)
		}
	}
	ch, err := conn.Channel()
	if err == nil {
		err = ch.QueueBind(queue, key, exchange, false, nil)
	}
	if err == nil {
		err = ch.Qos(taken, 0, false)
	}
	if err != nil {
		return nil, fmt.Errorf("bind the queue: %w", err)
	}
	return ch, nil
}

// declared has something be there; one that somebody else has made otherwise is as good.
func declared(conn *amqp.Connection, declare func(*amqp.Channel) error) error {
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	err = declare(ch)
	var refused *amqp.Error
	if errors.As(err, &refused) && refused.Code == amqp.PreconditionFailed { // which has closed the channel
		return nil
	}
	if err != nil {
		return err
	}
	return ch.Close()
}
