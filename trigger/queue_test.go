package trigger

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"limegrove/internal/rabbittest"
	"limegrove/room"
)

// backend publishes triggers.
type backend struct {
	t    *testing.T
	conn *amqp.Connection
	ch   *amqp.Channel
}

func newBackend(t *testing.T, s *rabbittest.Server) *backend {
	t.Helper()
	b := &backend{t: t}
	var err error
	if b.conn, err = amqp.Dial(s.URL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.conn.Close() }) // it may be closed
	if b.ch, err = b.conn.Channel(); err != nil {
		t.Fatal(err)
	}
	return b
}

// sends publishes a trigger, as the original's backends do.
func (b *backend) sends(exchange, key, body string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	if err := b.ch.PublishWithContext(ctx, exchange, key, false, false, amqp.Publishing{Body: []byte(body)}); err != nil {
		b.t.Fatal(err)
	}
}

// consumed waits until the queue is there, and one takes triggers from it.
func (b *backend) consumed() {
	b.t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		ch, err := b.conn.Channel()
		if err != nil {
			b.t.Fatal(err)
		}
		q, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
		_ = ch.Close() // what is not there has closed it
		if err == nil && q.Consumers == 1 {
			return
		}
		if time.Since(began) > patience {
			b.t.Fatalf("%d take triggers (%v)", q.Consumers, err)
		}
	}
}

// taking runs as many as take triggers from the queue, until end.
func taking(t *testing.T, s *rabbittest.Server, exchange string, all ...*Triggers) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, one := range all {
		running.Go(func() { one.TakeFromQueue(ctx, Queue{URL: s.URL(), Exchange: exchange, Name: t.Name()}) })
	}
	end = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(end)
	for _, one := range all {
		connected(t, one)
	}
	return end
}

// disconnected waits until no triggers come from the queue.
func disconnected(t *testing.T, triggers *Triggers) {
	t.Helper()
	began := time.Now()
	for counted(t, triggers.metrics.connected) != 0 {
		if time.Since(began) > patience {
			t.Fatal("it does not notice")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// connected waits until triggers come from the queue, and tells how long that took.
func connected(t *testing.T, triggers *Triggers) time.Duration {
	t.Helper()
	began := time.Now()
	for counted(t, triggers.metrics.connected) == 0 {
		if time.Since(began) > patience {
			t.Fatal("it does not connect")
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

func trigger(i int) string { return fmt.Sprintf(`{"rooms":[{"n":1}],"data":%d}`, i) }

// TestTriggersFromAMessageQueue has one server, which takes its time to start.
func TestTriggersFromAMessageQueue(t *testing.T) {
	t.Parallel()
	s := rabbittest.Start(t)
	b := newBoard()
	one, two := newTriggers(b, room.Neither), newTriggers(b, room.Neither)
	published := func(i int) string { return fmt.Sprintf(`t.org ?n=1 false {"data":%d}`, i) }

	end := taking(t, s, "hightemplar", one)
	api := newBackend(t, s)
	t.Run("by the key * alone", func(t *testing.T) { // H-36
		api.sends("hightemplar", "foo", trigger(0))
		api.sends("hightemplar", "", trigger(1))
		api.sends("hightemplar", "*", trigger(2))
		b.wants(t, "the last one", published(2))
	})
	t.Run("what is malformed is dropped", func(t *testing.T) { // H-37
		for _, body := range []string{"", "x", "\xff\xfe", `[]`, `{"data":1}`, `{"rooms":[{"n":1}]}`, `{"rooms":["x"],"data":1}`} {
			api.sends("hightemplar", "*", body)
		}
		api.sends("hightemplar", "*", trigger(3))
		b.wants(t, "the last one", published(3))
		if n := counted(t, one.metrics.dropped[dropMalformed]); n != 7 {
			t.Errorf("%d are dropped", n)
		}
		if n := one.Queued(); n != 9 {
			t.Errorf("%d have come", n)
		}
	})
	t.Run("each is taken once", func(t *testing.T) { // H-40
		endTwo := taking(t, s, "hightemplar", two)
		const all = 500
		for i := range all {
			api.sends("hightemplar", "*", trigger(i))
		}
		for range all {
			select {
			case <-b.more:
			case <-time.After(patience):
				t.Fatalf("%d of %d are published", len(b.all), all)
			}
		}
		endTwo()
		api.sends("hightemplar", "*", trigger(all))
		select {
		case <-b.more:
		case <-time.After(patience):
			t.Fatal("nothing comes after one of the two has ended")
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		seen := map[string]int{}
		for _, line := range b.all {
			seen[line]++
		}
		for i := range all + 1 {
			if n := seen[published(i)]; n != 1 {
				t.Errorf("%s is published %d times", published(i), n)
			}
		}
		if n := two.Queued(); n == 0 {
			t.Error("the second one took none")
		}
		b.all = nil
	})
	t.Run("an exchange and a queue that are there already", func(t *testing.T) {
		own := newBackend(t, s)
		if err := own.ch.ExchangeDeclare("durable", amqp.ExchangeDirect, true, false, false, false, nil); err != nil {
			t.Fatal(err)
		}
		three := newTriggers(b, room.Neither)
		endThree := taking(t, s, "durable", three)
		own.sends("durable", "*", trigger(4))
		b.wants(t, "it comes", published(4))
		endThree()
	})
	t.Run("the queue is removed", func(t *testing.T) {
		if _, err := newBackend(t, s).ch.QueueDelete(queue, false, false, false); err != nil {
			t.Fatal(err)
		}
		newBackend(t, s).consumed()
		newBackend(t, s).sends("hightemplar", "*", trigger(6))
		b.wants(t, "it is made again", published(6))
	})
	t.Run("the broker restarts", func(t *testing.T) { // H-38
		s.Stop()
		disconnected(t, one)
		s.Start()
		if took := connected(t, one); took > 5*time.Second {
			t.Errorf("it takes %v", took)
		}
		newBackend(t, s).sends("hightemplar", "*", trigger(5))
		b.wants(t, "it comes", published(5))
	})
	end()
	if n := counted(t, one.metrics.connected); n != 0 {
		t.Error("it is connected still")
	}
}
