package certs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/document"
	"limegrove/lime"
)

// The names of the buckets.
const (
	CertificatesBucket = "certificates"
	RevocationsBucket  = "revocations"
)

// DefaultMaxNames is how many identities may have a certificate, unless somebody says otherwise.
const DefaultMaxNames = 100_000

// coolDown is for how long after a revocation its holder gets no new certificate but by the operator: a session
// that is being cut may have asked for one a moment before.
const coolDown = time.Minute

// The errors that callers branch on. Each is also what LIME's client is told.
var (
	// ErrTaken says that somebody has the name, or had it and the operator has not given it free.
	ErrTaken error = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "The name is taken"}
	// ErrNotFound says that there is no such certificate.
	ErrNotFound error = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "There is no such certificate"}
	// ErrTooMany says that an identity has MaxEach, or that so many names are taken as there may be.
	ErrTooMany error = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "There are as many certificates as there may be"}
	// ErrRevoked says that one of the identity's certificates was revoked a moment ago.
	ErrRevoked error = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "A certificate of this identity was revoked a moment ago"}
)

// Config says where certificates are known.
type Config struct {
	JetStream jetstream.JetStream // required; it stays the caller's

	// Replicas of the buckets, where they are made. Default 1.
	Replicas int

	// MaxNames is how many identities may be issued a certificate by the default one. Those that the operator issues
	// count, and are not refused. Default DefaultMaxNames.
	MaxNames int
}

// Registry knows who has which certificate, for the whole cluster; every process has its own Registry. It has no
// goroutine and nothing to close.
type Registry struct {
	certificates, revocations *document.Bucket
	room                      *document.Room // for names
}

// Open makes the buckets when they are missing. After an error that passes Open may be called again.
func Open(ctx context.Context, cfg Config) (*Registry, error) {
	held, err := document.Open(ctx, document.Config{JetStream: cfg.JetStream, Name: CertificatesBucket, Replicas: cfg.Replicas})
	if err != nil {
		return nil, fmt.Errorf("open certificates: %w", err)
	}
	revoked, err := openRevocations(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if cfg.MaxNames == 0 {
		cfg.MaxNames = DefaultMaxNames
	}
	return &Registry{certificates: held, revocations: revoked, room: held.Room(heldBelow, cfg.MaxNames)}, nil
}

func openRevocations(ctx context.Context, cfg Config) (*document.Bucket, error) {
	b, err := document.Open(ctx, document.Config{JetStream: cfg.JetStream, Name: RevocationsBucket, Replicas: cfg.Replicas})
	if err != nil {
		return nil, fmt.Errorf("open revocations: %w", err)
	}
	return b, nil
}

// heldBelow is the key under which holders are.
const heldBelow document.Key = "of"

func holderKey(i lime.Identity) (document.Key, error) {
	if err := CheckIdentity(i); err != nil {
		return "", err
	}
	return heldBelow.Identity(i)
}

// how tells who asks for a certificate to be noted.
type how int

const (
	first      how = iota // by the default certificate: the name must be free
	lapsing               // likewise, and it is free when its last certificate is over
	again                 // the holder itself
	byOperator            // who need not ask anybody
)

// isFirst tells whether somebody asks who has no certificate yet.
func (b how) isFirst() bool { return b == first || b == lapsing }

// isFree tells whether whoever asks first may have a name of which that is known.
func (b how) isFree(h *holder, now time.Time) bool {
	return len(h.Certificates) == 0 || h.Free || b == lapsing && h.lapsed(now)
}

// note notes a certificate of an identity, in one step: of several who are the first, one is.
func (r *Registry) note(ctx context.Context, c *Certificate, by how) error {
	k, err := holderKey(c.Identity)
	if err != nil {
		return err
	}
	if by.isFirst() {
		room, err := r.room.Take(ctx)
		if err != nil {
			return fmt.Errorf("note a certificate of %s: %w", c.Identity, err)
		}
		if !room {
			return ErrTooMany
		}
	}
	err = r.certificates.Change(ctx, k, func(old document.Document) ([]byte, error) {
		h, err := readHolder(old)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		if by.isFirst() && old.Revision != 0 && !by.isFree(&h, now) && !h.isOf(c.KeyHash, now) {
			return nil, ErrTaken
		}
		h.tidy(now)
		switch {
		case by == again && now.Sub(h.lastRevoked()) < coolDown:
			return nil, ErrRevoked
		case h.good(now) >= MaxEach:
			return nil, ErrTooMany
		}
		for len(h.Certificates) >= 4*MaxEach { // revoked ones; Revocations knows them by themselves
			h.Certificates = h.Certificates[1:]
		}
		h.Certificates, h.Free = append(h.Certificates, *c), false
		return json.Marshal(h)
	})
	if err != nil {
		return fmt.Errorf("note a certificate of %s: %w", c.Identity, err)
	}
	return nil
}

func readHolder(d document.Document) (h holder, err error) {
	if d.Revision == 0 {
		return h, nil
	}
	if err := json.Unmarshal(d.Value, &h); err != nil {
		return h, fmt.Errorf("read %s: %w", d.Key, err)
	}
	return h, nil
}

// Of returns the certificates of an identity, the oldest first, as the bucket's leader has them. There are none where
// the name is free.
func (r *Registry) Of(ctx context.Context, i lime.Identity) ([]Certificate, error) {
	h, err := r.holder(ctx, i)
	return h.Certificates, err
}

func (r *Registry) holder(ctx context.Context, i lime.Identity) (h holder, err error) {
	k, err := holderKey(i)
	if err != nil {
		return h, err
	}
	d, err := r.certificates.Latest(ctx, k)
	if errors.Is(err, document.ErrNotFound) {
		return h, nil
	}
	h, unread := readHolder(d)
	if err = errors.Join(err, unread); err != nil {
		return h, fmt.Errorf("certificates of %s: %w", i, err)
	}
	return h, nil
}

// Find returns the certificate of an identity that has a fingerprint, which counts now, or ErrNotFound.
func (r *Registry) Find(ctx context.Context, i lime.Identity, fingerprint string) (Certificate, error) {
	all, err := r.Of(ctx, i)
	if err != nil {
		return Certificate{}, err
	}
	for _, c := range all {
		if c.Fingerprint == fingerprint && c.Good(time.Now()) {
			return c, nil
		}
	}
	return Certificate{}, ErrNotFound
}

// List returns all certificates of a domain, "" for every one, at most so many holders'; 0 for any number.
func (r *Registry) List(ctx context.Context, domain string, most int) (all []Certificate, err error) {
	below := heldBelow
	if domain != "" {
		if below, err = heldBelow.Part(lime.Identity{Domain: domain}.Fold().Domain); err != nil {
			return nil, err
		}
	}
	documents, err := r.certificates.UnderAtMost(ctx, below, document.Most{Documents: most})
	if err != nil {
		return nil, fmt.Errorf("list certificates: %w", err)
	}
	for _, d := range documents {
		h, err := readHolder(d)
		if err != nil {
			return nil, err
		}
		all = append(all, h.Certificates...)
	}
	return all, nil
}

// Revoke revokes all certificates of an identity that count, and returns them, or ErrNotFound where there never was one. With free the name is
// anybody's afterwards who asks for it with the default certificate; else the operator alone gives it a
// certificate again, and the holder, where it logs in by something else.
//
// What is revoked is told first and noted then: who calls again after an error revokes what is left.
func (r *Registry) Revoke(ctx context.Context, i lime.Identity, free bool, why string) (gone []Certificate, err error) {
	k, err := holderKey(i)
	if err != nil {
		return nil, err
	}
	for {
		all, err := r.Of(ctx, i)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return gone, ErrNotFound
		}
		now := time.Now().UTC().Truncate(time.Millisecond)
		for _, c := range all {
			if c.Good(now) {
				if err := r.tell(ctx, &c, now, why); err != nil {
					return gone, err
				}
				c.Revoked = now
				gone = append(gone, c)
			}
		}
		missed := errors.New("another was issued meanwhile")
		err = r.certificates.Change(ctx, k, func(old document.Document) ([]byte, error) {
			h, err := readHolder(old)
			if err != nil || old.Revision == 0 {
				return nil, err
			}
			for n := range h.Certificates {
				c := &h.Certificates[n]
				if !c.Good(now) {
					continue
				}
				if !contains(gone, c.Serial) {
					return nil, missed
				}
				c.Revoked = now
			}
			h.Free = h.Free || free
			return json.Marshal(h)
		})
		switch {
		case errors.Is(err, missed):
			continue
		case err != nil:
			return gone, fmt.Errorf("revoke certificates of %s: %w", i, err)
		}
		return gone, nil
	}
}

func contains(all []Certificate, serial Serial) bool {
	for _, c := range all {
		if c.Serial == serial {
			return true
		}
	}
	return false
}

// TakeBack undoes that certificates of a key, by [KeyHash], were issued to an identity that was not told: they are revoked, and where there
// are no others the name is free. That there are none is no error.
func (r *Registry) TakeBack(ctx context.Context, i lime.Identity, keyHash string) error {
	k, err := holderKey(i)
	if err != nil {
		return err
	}
	all, err := r.Of(ctx, i)
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	found := false
	for _, c := range all {
		if c.KeyHash != keyHash {
			continue
		}
		found = true
		if err := r.tell(ctx, &c, now, "it was not handed over"); err != nil {
			return err
		}
	}
	if !found {
		return nil
	}
	removed := false
	err = r.certificates.Change(ctx, k, func(old document.Document) ([]byte, error) {
		h, err := readHolder(old)
		if err != nil || old.Revision == 0 {
			return nil, err
		}
		h.Certificates = slices.DeleteFunc(h.Certificates, func(c Certificate) bool { return c.KeyHash == keyHash })
		if removed = len(h.Certificates) == 0; removed {
			return nil, nil
		}
		return json.Marshal(h)
	})
	if err != nil {
		return fmt.Errorf("take a certificate of %s back: %w", i, err)
	}
	if removed {
		r.room.Freed()
	}
	return nil
}

// RevokeSerial revokes one certificate. Of an identity it is given one that the registry knows of it, else ErrNotFound is the
// error; of nobody, any serial, also of an authority outside, until expires.
func (r *Registry) RevokeSerial(ctx context.Context, i lime.Identity, serial Serial, expires time.Time, why string) (c Certificate, err error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	if i.IsZero() {
		c = Certificate{Serial: serial, Expires: expires, Revoked: now}
		err := r.tell(ctx, &c, now, why)
		return c, err
	}
	all, err := r.Of(ctx, i)
	if err != nil {
		return c, err
	}
	found := false
	for _, one := range all {
		if one.Serial == serial {
			c, found = one, true
		}
	}
	if !found {
		return c, ErrNotFound
	}
	if err := r.tell(ctx, &c, now, why); err != nil {
		return c, err
	}
	c.Revoked = now
	k, err := holderKey(i)
	if err != nil {
		return c, err
	}
	err = r.certificates.Change(ctx, k, func(old document.Document) ([]byte, error) {
		h, err := readHolder(old)
		if err != nil || old.Revision == 0 {
			return nil, err
		}
		for n := range h.Certificates {
			if one := &h.Certificates[n]; one.Serial == serial && one.Revoked.IsZero() {
				one.Revoked = now
			}
		}
		return json.Marshal(h)
	})
	if err != nil {
		return c, fmt.Errorf("revoke %s of %s: %w", serial, i, err)
	}
	return c, nil
}

// tell makes a revocation known to all.
func (r *Registry) tell(ctx context.Context, c *Certificate, now time.Time, why string) error {
	text, err := json.Marshal(Revocation{Identity: c.Identity, Serial: c.Serial, Revoked: now, Expires: c.Expires, Why: why})
	if err == nil {
		err = r.revocations.Put(ctx, document.Key(c.Serial), text)
	}
	if err != nil {
		return fmt.Errorf("revoke %s: %w", c.Serial, err)
	}
	return nil
}

// Tidy removes revocations of certificates that have expired, and returns how many. Clocks may differ by an hour.
func (r *Registry) Tidy(ctx context.Context) (removed int, err error) {
	all, err := readRevocations(ctx, r.revocations)
	if err != nil {
		return 0, err
	}
	for _, one := range all {
		if time.Since(one.Expires) < time.Hour {
			continue
		}
		err := r.revocations.Remove(ctx, document.Key(one.Serial))
		if err != nil && !errors.Is(err, document.ErrNotFound) {
			return removed, fmt.Errorf("remove a revocation that is over: %w", err)
		}
		removed++
	}
	return removed, nil
}
