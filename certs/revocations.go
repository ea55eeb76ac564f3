package certs

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/document"
	"limegrove/internal/complaint"
	"limegrove/lime"
)

const (
	// readAgain is after what time all revocations are read anew, whatever was told of them.
	readAgain = time.Minute

	// followPause is the pause before they are read anew after an error.
	followPause = time.Second
)

// Revocation is a certificate that counts no more.
type Revocation struct {
	Identity lime.Identity `json:"identity,omitzero"` // whose it was; zero for one that was revoked by its serial
	Serial   Serial        `json:"serial"`
	Revoked  time.Time     `json:"revoked"`
	Expires  time.Time     `json:"expires"` // as long as it is kept
	Why      string        `json:"why,omitempty"`
}

// Revocations are those of the whole cluster, in memory. While JetStream cannot be reached, those that were known count
// on. Its methods may be called from anywhere.
type Revocations struct {
	bucket *document.Bucket
	log    logrus.FieldLogger
	warn   complaint.Log
	read   atomic.Int64 // when they were read last, Unix seconds

	mu     sync.RWMutex
	known  map[Serial]Revocation
	notify map[*func(Revocation)]struct{}
}

// OpenRevocations makes the bucket when it is missing, and reads what there is: from the beginning nothing revoked is believed. After
// an error that passes it may be called again. The logger is required; metrics may be nil, else there are limegrove_certificates_revoked
// and limegrove_certificates_revocations_read_timestamp_seconds.
func OpenRevocations(ctx context.Context, cfg Config, log logrus.FieldLogger, metrics prometheus.Registerer) (*Revocations, error) {
	bucket, err := openRevocations(ctx, cfg)
	if err != nil {
		return nil, err
	}
	all, err := readRevocations(ctx, bucket)
	if err != nil {
		return nil, err
	}
	r := &Revocations{bucket: bucket, log: log, warn: complaint.Log{Logger: log}, known: all, notify: map[*func(Revocation)]struct{}{}}
	r.read.Store(time.Now().Unix())
	if metrics != nil {
		metrics.MustRegister(
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "limegrove_certificates_revoked", Help: "Certificates that were revoked, and have not expired.",
			}, func() float64 { return float64(r.Len()) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "limegrove_certificates_revocations_read_timestamp_seconds", Help: "When all revocations were read last, in seconds of Unix time.",
			}, func() float64 { return float64(r.read.Load()) }))
	}
	return r, nil
}

// Len is how many there are.
func (r *Revocations) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.known)
}

// Revoked tells whether a certificate was revoked.
func (r *Revocations) Revoked(s Serial) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, is := r.known[s]
	return is
}

// Any tells whether one of some certificates was revoked.
func (r *Revocations) Any(chain []*x509.Certificate) bool {
	for _, c := range chain {
		if r.Revoked(SerialOf(c)) {
			return true
		}
	}
	return false
}

// Notify has tell called with each revocation that becomes known, after Revoked says so, until stop is called. tell is called by one
// goroutine, and does not block.
func (r *Revocations) Notify(tell func(Revocation)) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notify[&tell] = struct{}{}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.notify, &tell)
	}
}

// Run learns of revocations until ctx is done.
func (r *Revocations) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.follow(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		r.warn.Warn("revoked certificates cannot be followed; those that are known count on", err)
		select {
		case <-ctx.Done():
		case <-time.After(followPause):
		}
	}
}

// follow reads all, and takes changes for a while.
func (r *Revocations) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readAgain)
	defer cancel()
	fresh := map[Serial]Revocation{} // until all are read
	return r.bucket.Follow(ctx, func(c document.Change) {
		one, ok := revocationOf(c)
		switch {
		case c.All:
			r.mu.Lock()
			r.known, fresh = fresh, nil
			r.mu.Unlock()
			r.read.Store(time.Now().Unix())
		case c.Removed && fresh == nil:
			r.mu.Lock()
			delete(r.known, Serial(c.Key))
			r.mu.Unlock()
		case ok:
			if fresh != nil {
				fresh[one.Serial] = one
			}
			r.learn(one)
		}
	})
}

// learn takes a revocation, and tells of one that is news.
func (r *Revocations) learn(one Revocation) {
	r.mu.Lock()
	_, was := r.known[one.Serial]
	r.known[one.Serial] = one
	tell := maps.Clone(r.notify)
	r.mu.Unlock()
	if was {
		return
	}
	r.log.WithFields(logrus.Fields{"serial": string(one.Serial), "identity": one.Identity.String()}).Info("a certificate was revoked")
	for f := range tell {
		(*f)(one)
	}
}

func revocationOf(c document.Change) (one Revocation, ok bool) {
	if c.All || c.Removed {
		return one, false
	}
	// What cannot be read is revoked all the same.
	_ = json.Unmarshal(c.Value, &one)
	one.Serial = Serial(c.Key)
	return one, true
}

// readRevocations reads all that there are now.
func readRevocations(ctx context.Context, b *document.Bucket) (map[Serial]Revocation, error) {
	all := map[Serial]Revocation{}
	whole := false
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	err := b.Follow(ctx, func(c document.Change) {
		if one, ok := revocationOf(c); ok && !whole {
			all[one.Serial] = one
		}
		if c.All {
			whole = true
			stop()
		}
	})
	if err == nil && !whole {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read what was revoked: %w", err)
	}
	return all, nil
}
