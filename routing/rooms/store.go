package rooms

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/routing/stream"
)

// ErrBusy says that too much waits to be kept, and ErrLate that it has waited for too long,
// and may be kept all the same. Either may be published again with its key.
var (
	ErrBusy = errors.New("too much is being published to rooms")
	ErrLate = errors.New("the room could not be reached in time")
)

const (
	// storeLot is how many publications of a partition are stored together.
	storeLot = 256
	// storeTry bounds one try.
	storeTry = 3 * time.Second
)

// store brings what is published into the stream of one partition, in order.
type store struct {
	publisher *Publisher
	trouble   trouble
	wake      chan struct{} // holds one

	mu    sync.Mutex
	queue []storing
	bytes int
	ended bool
}

func (s *store) begin(publisher *Publisher, p int) {
	s.publisher, s.wake = publisher, make(chan struct{}, 1)
	s.trouble.log = publisher.cfg.Logger.WithField("partition", p)
	s.trouble.begins, s.trouble.ends = "rooms cannot keep what is published; trying on", "rooms keep what is published again"
}

// storing is a publication that is not known to be kept.
type storing struct {
	message *nats.Msg
	done    func(error)
	cost    int
	by      time.Time
}

// storeCost is what a publication costs beside its bytes while it waits, about.
const storeCost = 512

// add takes a publication whose Key and Stored are set; it borrows the envelope.
func (s *store) add(log string, p Publication) error {
	w := storing{
		message: &nats.Msg{Subject: log, Data: append([]byte(nil), p.Envelope...), Header: nats.Header{nats.MsgIdHdr: []string{messageID(log, p.Key)}}},
		done:    p.Stored, cost: len(p.Envelope) + storeCost, by: time.Now().Add(s.publisher.cfg.StoreTime),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.bytes+w.cost > s.publisher.cfg.MaxStoring {
		return ErrBusy
	}
	s.bytes += w.cost
	s.queue = append(s.queue, w)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// messageID is what a stream knows a publication by.
func messageID(log, key string) string {
	sum := sha256.Sum256([]byte(log + "\n" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// run stores until ctx is done; what is left then is given up.
func (s *store) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-s.wake:
			s.work(ctx)
		}
	}
	s.mu.Lock()
	s.ended = true
	left := s.queue
	s.queue = nil
	s.mu.Unlock()
	for _, w := range left {
		w.done(ErrLate)
	}
}

// work stores until nothing waits.
func (s *store) work(ctx context.Context) {
	for pause := catchPause; ctx.Err() == nil; {
		lot := s.first()
		if len(lot) == 0 {
			return
		}
		err := s.storeAll(ctx, lot)
		s.trouble.note(err)
		if err == nil {
			pause = catchPause
			continue
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
		pause = min(2*pause, catchPauseMax)
	}
}

// first returns what has waited longest, which stays where it is.
func (s *store) first() []storing {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.queue), storeLot)
	return s.queue[:n:n]
}

// storeAll makes one try to store a lot. An error says that some of it is to be tried again.
func (s *store) storeAll(ctx context.Context, lot []storing) (why error) {
	list := make([]*nats.Msg, len(lot))
	for i, w := range lot {
		list[i] = w.message
	}
	once, cancel := context.WithTimeout(ctx, storeTry)
	defer cancel()
	errs := s.publisher.cfg.Streams.StoreInOrder(once, list)
	now := time.Now()
	var again []storing
	over := make([]func(), 0, len(lot)) // tell of those that do not wait any more
	cost := 0
	for i, err := range errs {
		w := lot[i]
		switch {
		case err != nil && !errors.Is(err, stream.ErrRefused) && now.Before(w.by):
			again, why = append(again, w), err
			continue
		case err != nil && !errors.Is(err, stream.ErrRefused):
			err = ErrLate
		}
		cost += w.cost
		over = append(over, func() { w.done(err) })
		s.publisher.published(err)
	}
	s.leave(len(lot), again, cost)
	for _, tell := range over {
		tell() // there is room again for whoever is told
	}
	return why
}

// leave takes a lot out of the queue, but for those that are to be tried again.
func (s *store) leave(lot int, again []storing, cost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= cost
	gone := lot - len(again)
	copy(s.queue[gone:lot], again)
	clear(s.queue[:gone])
	if s.queue = s.queue[gone:]; len(s.queue) == 0 {
		s.queue = nil
	}
}
