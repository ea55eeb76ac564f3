package rooms

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// PublisherConfig is what a Publisher is made of. NATS is required.
type PublisherConfig struct {
	NATS *nats.Conn // not closed

	// Streams keep what is published to the rooms for which History returns something, and
	// that says how much of it is for who asks. Both or neither; default: no room keeps
	// anything.
	Streams Streams
	History func(room.Name) *room.History

	// MaxStoring bounds what waits to be kept, in bytes for each partition. Default 16 MiB.
	MaxStoring int
	// StoreTime is how long one of these may wait. Default 10s.
	StoreTime time.Duration

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Streams is where rooms keep what is published. It is package stream's.
type Streams interface {
	Partition(key string) int
	Partitions() int
	ReadRoom(ctx context.Context, p int, subject string, from uint64, messages, bytes int) (stream.Page, error)
	RoomsState(ctx context.Context, p int) (stream.RoomsState, error)
	StoreInOrder(ctx context.Context, list []*nats.Msg) []error
}

// Publication is what is published to a room.
type Publication struct {
	Envelope []byte

	// Key tells the publication from others in the same room, so that one that comes again
	// is kept once. "" for one that nobody needs to know of: it may be lost.
	Key string
	// Stored is called once, from anywhere, when the room has the publication, or with why it
	// may not. It needs a Key, and must not block.
	Stored func(error)
}

// Publisher publishes to rooms, and is in none. Rooms have one.
type Publisher struct {
	cfg     PublisherConfig
	metrics *publisherMetrics
	stores  []store // by their partitions
}

// NewPublisher makes one, for a process that has no Rooms. Nothing is kept before Run.
func NewPublisher(cfg PublisherConfig) *Publisher {
	return newPublisher(cfg, newPublisherMetrics(promauto.With(cfg.Metrics)))
}

func newPublisher(cfg PublisherConfig, m *publisherMetrics) *Publisher {
	if cfg.MaxStoring <= 0 {
		cfg.MaxStoring = 16 << 20
	}
	if cfg.StoreTime <= 0 {
		cfg.StoreTime = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = silent()
	}
	p := &Publisher{cfg: cfg, metrics: m}
	if cfg.Streams != nil {
		p.stores = make([]store, cfg.Streams.Partitions())
		for i := range p.stores {
			p.stores[i].begin(p, i)
		}
	}
	return p
}

func silent() logrus.FieldLogger {
	log := logrus.New()
	log.SetLevel(logrus.PanicLevel)
	return log
}

// Run has rooms keep what is published until ctx is done. What is left then is given up.
func (p *Publisher) Run(ctx context.Context) {
	var running sync.WaitGroup
	for i := range p.stores {
		running.Go(func() { p.stores[i].run(ctx) })
	}
	running.Wait()
}

// Publish publishes to a room, or with wild to all rooms that its wildcard means, which keep
// nothing of it. It borrows the envelope and does not block. Whether Stored is called, later
// says: otherwise there is nothing to wait for. An error matches subject.ErrTooLong or
// ErrBusy, or is the broker's.
func (p *Publisher) Publish(at Address, wild bool, what Publication) (later bool, err error) {
	later, err = p.publish(at, wild && at.Name.Wild(), what)
	if err != nil {
		p.metrics.refused.Inc()
		return false, fmt.Errorf("publish to a room: %w", err)
	}
	if !later {
		p.metrics.published.Inc()
	}
	return later, nil
}

func (p *Publisher) publish(at Address, wild bool, what Publication) (later bool, err error) {
	if wild {
		to, err := subject.Wide(at.Domain, at.Name)
		if err != nil {
			return false, err
		}
		return false, p.cfg.NATS.Publish(to, what.Envelope)
	}
	k, err := p.keep(at)
	switch {
	case err != nil:
		return false, err
	case k == nil:
		to, err := subject.Room(at.Domain, at.Name, false)
		if err != nil {
			return false, err
		}
		return false, p.cfg.NATS.Publish(to, what.Envelope)
	case what.Key == "":
		return false, p.cfg.NATS.Publish(k.log, what.Envelope)
	}
	return true, p.stores[k.p].add(k.log, what)
}

// published counts what was published, or was not, when that is known.
func (p *Publisher) published(err error) {
	if err != nil {
		p.metrics.refused.Inc()
		return
	}
	p.metrics.published.Inc()
}

// keep returns where a room keeps what is published; nil when it does not.
func (p *Publisher) keep(at Address) (*keeping, error) {
	if p.cfg.Streams == nil {
		return nil, nil
	}
	h := p.cfg.History(at.Name)
	if h == nil {
		return nil, nil
	}
	domain := string(lime.AppendFold(nil, []byte(at.Domain)))
	k := &keeping{p: p.cfg.Streams.Partition(domain + "\n" + string(at.Name)), history: *h}
	var err error
	k.log, err = subject.RoomLog(k.p, domain, at.Name)
	return k, err
}
