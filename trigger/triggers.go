package trigger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/edge/dialect/hightemplar"
	"limegrove/internal/complaint"
	"limegrove/lime"
	"limegrove/room"
)

// Config is what Triggers are made of. Domain and Publish are required.
type Config struct {
	// Domain is whose rooms they are for.
	Domain string

	// Wildcards says whose * stands for any value. Default nobody's. Edges have to be told
	// the same.
	Wildcards room.Sides

	// Publish publishes an envelope to a room, or with wild to all that its wildcard means. It
	// borrows envelope and does not block.
	Publish func(domain string, n room.Name, wild bool, envelope []byte) error

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Triggers publishes what triggers bring. Its methods may be called from anywhere.
type Triggers struct {
	cfg     Config
	metrics *metrics
	queued  atomic.Int64 // those that the message queue has brought
	warn    complaint.Log
}

// Source is how a trigger has come; also the metric's label.
type Source string

// The sources.
const (
	FromHTTP    Source = "http"
	FromQueue   Source = "amqp"
	FromSubject Source = "nats"
)

// New makes Triggers.
func New(cfg Config) *Triggers {
	if cfg.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		cfg.Logger = silent
	}
	return &Triggers{cfg: cfg, metrics: newMetrics(cfg.Metrics), warn: complaint.Log{Logger: cfg.Logger}}
}

// Queued tells how many triggers the message queue has brought.
func (t *Triggers) Queued() int64 { return t.queued.Load() }

// Take publishes a trigger, which it borrows. An error matches one of hightemplar's about
// triggers, or is that of Publish, and then a part of it may have been published.
func (t *Triggers) Take(from Source, body []byte) error {
	t.metrics.taken[from].Inc()
	if from == FromQueue {
		t.queued.Add(1)
	}
	err := t.publish(body)
	if err != nil {
		t.metrics.drop(isMalformed(err))
		t.warn.Tell(logrus.WarnLevel, "a trigger came to nothing", err, logrus.Fields{"source": from})
	}
	return err
}

func (t *Triggers) publish(body []byte) error {
	if len(body) > maxBody { // a message queue carries a hundred times that
		return fmt.Errorf("%w: it has more than %d bytes", hightemplar.ErrTrigger, maxBody)
	}
	parsed, err := hightemplar.ParseTrigger(body)
	if err != nil {
		return err
	}
	wild := t.cfg.Wildcards&room.Publisher != 0
	var envelope []byte
	all, once := parsed.Publications(t.cfg.Wildcards)
	id := ""
	if once {
		id = rand.Text()
	}
	for _, n := range all {
		envelope = parsed.AppendEnvelope(envelope[:0], n, t.cfg.Domain, id)
		var h lime.Header
		if _, err := h.Scan(envelope); err != nil { // nobody could read it
			return fmt.Errorf("%w: %w", hightemplar.ErrTrigger, err)
		}
		err := t.cfg.Publish(t.cfg.Domain, n, wild, envelope)
		if errors.Is(err, nats.ErrMaxPayload) {
			err = fmt.Errorf("%w: it is too long", hightemplar.ErrTrigger)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isMalformed tells whether an error is about the trigger itself.
func isMalformed(err error) bool {
	return errors.Is(err, hightemplar.ErrTrigger) || errors.Is(err, hightemplar.ErrNoRooms) || errors.Is(err, hightemplar.ErrNoData)
}
