package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/event"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// Streams is where events are stored.
type Streams interface {
	Partitions() int
	// StoreInOrder stores messages, in the order of each subject, and returns an error for
	// each: one that matches stream.ErrUnavailable passes.
	StoreInOrder(ctx context.Context, list []*nats.Msg) []error
}

// PublisherConfig is what a Publisher is made of. Streams and Types are required.
type PublisherConfig struct {
	Streams Streams
	Types   []event.Type // that anybody wants to hear of; others are not told

	// MaxBytes bounds what waits to be stored, a message's cost of some hundred bytes
	// included. What comes beyond is dropped: more of it is a longer time that JetStream may
	// be away. Default 64 MiB.
	MaxBytes int

	// Last is for how long what waits is still stored when a process ends. Default 3s.
	Last time.Duration

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Publisher brings events into the streams.
type Publisher struct {
	cfg     PublisherConfig
	metrics *publisherMetrics
	lanes   []lane
	bytes   atomic.Int64 // of all that waits

	saying sync.Mutex
	said   time.Time // when trouble was told last
}

// NewPublisher makes one. Nothing is stored before Run.
func NewPublisher(cfg PublisherConfig) *Publisher {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 64 << 20
	}
	if cfg.Last <= 0 {
		cfg.Last = 3 * time.Second
	}
	if cfg.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		cfg.Logger = silent
	}
	p := &Publisher{cfg: cfg, lanes: make([]lane, cfg.Streams.Partitions())}
	for i := range p.lanes {
		p.lanes[i].publisher, p.lanes[i].wake, p.lanes[i].each = p, make(chan struct{}, 1), map[string]int64{}
	}
	p.metrics = newPublisherMetrics(cfg.Metrics, p)
	return p
}

// Wants tells whether events of a type are told. It never changes.
func (p *Publisher) Wants(t event.Type) bool { return slices.Contains(p.cfg.Types, t) }

// Tell has an event stored, unless nobody wants to hear of its type. It does not block. Of one
// identity events are stored in the order in which they are told.
func (p *Publisher) Tell(e event.Event) {
	if !p.Wants(e.Type) {
		return
	}
	m, partition, err := p.message(e)
	if err != nil {
		p.metrics.drop(dropMalformed)
		return
	}
	n := costOf(m)
	used := p.bytes.Add(n)
	why := dropFull
	if used <= int64(p.cfg.MaxBytes) {
		if why = p.lanes[partition].add(waiting{m, e.Type}, n+(int64(p.cfg.MaxBytes)-used)/sharePart); why == "" {
			return
		}
	}
	p.bytes.Add(-n)
	p.metrics.drop(why)
}

// sharePart is how small a part of what is left the events of one identity may have that
// wait, so that who does something all the time leaves room for others.
const sharePart = 64

// Store stores events at once, for who has to know that they are: those of each identity in
// their order, but not behind what Tell was given. An error passes; then all is to be stored
// again. What no stream will ever take is dropped.
func (p *Publisher) Store(ctx context.Context, all []event.Event) error {
	var list []*nats.Msg
	var types []event.Type
	for _, e := range all {
		if !p.Wants(e.Type) {
			continue
		}
		m, _, err := p.message(e)
		if err != nil {
			p.metrics.drop(dropMalformed)
			continue
		}
		list, types = append(list, m), append(types, e.Type)
	}
	if len(list) == 0 {
		return nil
	}
	errs := p.cfg.Streams.StoreInOrder(ctx, list)
	for _, err := range errs {
		if err != nil && passes(err) {
			return fmt.Errorf("store %d events: %w", len(list), err)
		}
	}
	for i, err := range errs {
		p.stored(types[i], err)
	}
	return nil
}

// passes tells whether a store may be tried again.
func passes(err error) bool { return !errors.Is(err, stream.ErrRefused) }

// stored counts what became of an event for good.
func (p *Publisher) stored(t event.Type, err error) {
	if err != nil {
		p.complain(err, "an event is dropped, since no stream takes it")
		p.metrics.drop(dropRefused)
		return
	}
	p.metrics.published.WithLabelValues(string(t)).Inc()
}

// message is an event for the stream of its partition.
func (p *Publisher) message(e event.Event) (m *nats.Msg, partition int, err error) {
	key, err := subject.MakeKey(e.Whom)
	if err != nil {
		return nil, 0, err
	}
	data, err := e.MarshalJSON()
	if err != nil {
		return nil, 0, err
	}
	partition = key.Partition(len(p.lanes))
	return &nats.Msg{Subject: key.Event(partition), Data: data, Header: nats.Header{
		nats.MsgIdHdr: []string{e.ID}, typeHeader: []string{string(e.Type)},
	}}, partition, nil
}

// costOf is what a message costs while it waits, about.
func costOf(m *nats.Msg) int64 { return int64(len(m.Data) + len(m.Subject) + 512) }

// Run stores what it is told until ctx is done, and what is left then for a moment.
func (p *Publisher) Run(ctx context.Context) {
	if len(p.cfg.Types) == 0 {
		<-ctx.Done()
		return
	}
	var all sync.WaitGroup
	for i := range p.lanes {
		all.Go(func() { p.lanes[i].run(ctx) })
	}
	all.Wait()
}

// complainEvery is how often trouble is told.
const complainEvery = 30 * time.Second

func (p *Publisher) complain(err error, what string) {
	p.saying.Lock()
	defer p.saying.Unlock()
	if now := time.Now(); now.Sub(p.said) >= complainEvery {
		p.said = now
		p.cfg.Logger.WithError(err).Warn(what)
	}
}
