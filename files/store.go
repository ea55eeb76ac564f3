package files

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/document"
	"limegrove/lime"
)

// Store is the files of the whole cluster; every process has its own Store. It may be used by
// many goroutines at once.
type Store struct {
	cfg       Config
	js        jetstream.JetStream
	documents *document.Bucket
	buckets   []bucket
	key       []byte
	chunkSize int
	metrics   *metrics
	answers   chan struct{} // one for each chunk that is asked for
}

// maxAnswers is how many chunks are on their way from the broker at once. All answers of a connection come to one subscription of
// nats.go, which drops what comes when 64 MiB wait there: whoever has asked for it hears nothing until his time is over.
const maxAnswers = 32

// turn waits until a chunk may be asked for. The caller calls leave when it has come.
func (s *Store) turn(ctx context.Context) (leave func(), err error) {
	select {
	case s.answers <- struct{}{}:
		return func() { <-s.answers }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bucket is one of JetStream's object store.
type bucket struct {
	name   string
	stream jetstream.Stream
}

// MostChunk is how many bytes a chunk has at most. It is less where the broker's max_payload
// is below 1 MiB.
const MostChunk = 512 << 10

// Open makes what is missing, and checks what is there: a bucket with another maximum age or
// size is an error that matches [ErrSettings]. After an error of JetStream it may be called again.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open files: %w", err)
	}
	js, err := jetstream.New(cfg.NATS)
	if err != nil {
		return nil, fmt.Errorf("open files: %w", err)
	}
	s := &Store{cfg: cfg, js: js, answers: make(chan struct{}, maxAnswers)}
	if s.documents, err = document.Open(ctx, document.Config{JetStream: js, Name: "files", Replicas: cfg.Replicas}); err != nil {
		return nil, fmt.Errorf("open files: %w", err)
	}
	if s.key, err = s.sharedKey(ctx); err != nil {
		return nil, fmt.Errorf("open files: %w", err)
	}
	for n := range cfg.Buckets {
		b, err := s.openBucket(ctx, fmt.Sprintf("files_%d", n))
		if err != nil {
			return nil, fmt.Errorf("open files: %w", err)
		}
		s.buckets = append(s.buckets, b)
	}
	// The leader's answer about the last chunk is JSON, in which its bytes are Base64.
	s.chunkSize = int(min(MostChunk, (cfg.NATS.MaxPayload()-64<<10)*3/4))
	if s.chunkSize < 4<<10 {
		return nil, fmt.Errorf("open files: the broker's max_payload of %d is too small", cfg.NATS.MaxPayload())
	}
	if s.metrics, err = newMetrics(cfg.Metrics); err != nil { // last: it can be done once
		return nil, fmt.Errorf("open files: %w", err)
	}
	return s, nil
}

// ErrSettings says that a bucket was made with other settings.
var ErrSettings = errors.New("a bucket of files has other settings")

func (s *Store) openBucket(ctx context.Context, name string) (bucket, error) {
	stream, err := s.js.Stream(ctx, "OBJ_"+name) // who may make none finds it
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = s.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: name, Description: "Limegrove files", TTL: s.cfg.maxAge(), MaxBytes: s.cfg.BucketBytes,
			Storage: jetstream.FileStorage, Replicas: s.cfg.Replicas,
		})
		if err == nil || errors.Is(err, jetstream.ErrBucketExists) { // made by another meanwhile
			stream, err = s.js.Stream(ctx, "OBJ_"+name)
		}
	}
	if err != nil {
		return bucket{}, fmt.Errorf("bucket %s: %w", name, err)
	}
	have := stream.CachedInfo().Config
	switch {
	case have.MaxAge != s.cfg.maxAge():
		return bucket{}, fmt.Errorf("%w: %s has a maximum age of %v, not %v", ErrSettings, name, have.MaxAge, s.cfg.maxAge())
	case max(have.MaxBytes, 0) != s.cfg.BucketBytes:
		return bucket{}, fmt.Errorf("%w: %s has a maximum of %d bytes, not %d", ErrSettings, name, max(have.MaxBytes, 0), s.cfg.BucketBytes)
	case have.Storage != jetstream.FileStorage || !have.AllowDirect || !have.AllowRollup:
		return bucket{}, fmt.Errorf("%w: %s is no object store in files", ErrSettings, name)
	}
	return bucket{name, stream}, nil
}

// bucketOf is where the bytes of a file are.
func (s *Store) bucketOf(id ID) bucket {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // it never fails
	return s.buckets[h.Sum32()%uint32(len(s.buckets))]
}

// chunks is the subject of a file's chunks: the id is what the object store calls a NUID.
func (b bucket) chunks(id ID) string { return "$O." + b.name + ".C." + string(id) }

// meta is the subject of what the object store says of a file.
func (b bucket) meta(id ID) string {
	return "$O." + b.name + ".M." + base64.URLEncoding.EncodeToString([]byte(id))
}

func (b bucket) streamName() string { return "OBJ_" + b.name }

// ownKey is beneath what the shares of an identity are.
func ownKey(owner lime.Identity) (document.Key, error) { return document.Key("own").Identity(owner) }

func fileKey(id ID) document.Key { return document.Key("file." + string(id)) } // of letters and digits

func (f *File) shareKey() (document.Key, error) {
	k, err := ownKey(f.Owner)
	if err != nil {
		return "", err
	}
	return k.Part(string(f.ID))
}

// MaxSize is how long a file may be, in bytes.
func (s *Store) MaxSize() int64 { return s.cfg.MaxSize }

// Announce makes room for a file, which has UploadTime to come. An error that matches
// *lime.Reason is for the owner: 64 for what no file can be, 34 for what does not fit into
// the owner's quota.
func (s *Store) Announce(ctx context.Context, owner lime.Identity, a Announcement) (File, error) {
	if err := a.check(s.cfg.MaxSize); err != nil {
		return File{}, err
	}
	now := s.cfg.now()
	f := File{ID: newID(), Announcement: a, Owner: owner, Created: now, Expires: now.Add(UploadTime)}
	k, err := f.shareKey()
	if err != nil {
		return File{}, err
	}
	text, err := f.share()
	if err != nil {
		return File{}, err
	}
	// First said, then counted: of several at once none goes beyond.
	if err := s.documents.Put(ctx, k, text); err != nil {
		return File{}, fmt.Errorf("announce a file of %s: %w", owner, err)
	}
	if err := s.checkQuota(ctx, owner); err != nil {
		return File{}, errors.Join(err, s.documents.Remove(ctx, k))
	}
	if text, err = f.record(); err != nil {
		return File{}, err
	}
	if err := s.documents.Put(ctx, fileKey(f.ID), text); err != nil {
		return File{}, fmt.Errorf("announce a file of %s: %w", owner, err)
	}
	s.metrics.announced.Inc()
	return f, nil
}

// checkQuota refuses what an identity has too much of.
func (s *Store) checkQuota(ctx context.Context, owner lime.Identity) error {
	all, err := s.shares(ctx, owner)
	if err != nil {
		return err
	}
	size := int64(0)
	for _, one := range all {
		size += one.Size
	}
	if s.cfg.Quota > 0 && size > s.cfg.Quota {
		s.metrics.refused.WithLabelValues(refusedQuota).Inc()
		return lime.NewReason(lime.CodeAuthorizationQuotaThresholdExceeded, "The files of an identity have %d bytes at most", s.cfg.Quota)
	}
	if len(all) > s.cfg.MaxFiles {
		s.metrics.refused.WithLabelValues(refusedQuota).Inc()
		return lime.NewReason(lime.CodeAuthorizationQuotaThresholdExceeded, "An identity has %d files at most", s.cfg.MaxFiles)
	}
	return nil
}

// shares returns those of an identity that count, by the ids of their files, as the leader
// has them.
func (s *Store) shares(ctx context.Context, owner lime.Identity) (map[ID]share, error) {
	k, err := ownKey(owner)
	if err != nil {
		return nil, err
	}
	least, err := s.documents.Last(ctx, k)
	if err != nil {
		return nil, err
	}
	documents, _, err := s.documents.Whole(ctx, k, least)
	if err != nil {
		return nil, err
	}
	all := map[ID]share{}
	for _, d := range documents {
		var one share
		if err := json.Unmarshal(d.Value, &one); err != nil {
			return nil, fmt.Errorf("share %s: %w", d.Key, err)
		}
		if one.Expires > s.cfg.now().UnixMilli() {
			all[ID(d.Key[len(k)+1:])] = one
		}
	}
	return all, nil
}

// List returns the files of an identity, the oldest first.
func (s *Store) List(ctx context.Context, owner lime.Identity) ([]File, error) {
	shares, err := s.shares(ctx, owner)
	if err != nil {
		return nil, fmt.Errorf("list files of %s: %w", owner, err)
	}
	keys := make([]document.Key, 0, len(shares))
	for id := range shares {
		keys = append(keys, fileKey(id))
	}
	documents, err := s.documents.Several(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("list files of %s: %w", owner, err)
	}
	all := make([]File, 0, len(documents))
	for _, d := range documents {
		f, err := parseFile(ID(d.Key[len("file."):]), d.Value)
		if err != nil {
			return nil, err
		}
		if f.Expires.After(s.cfg.now()) {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(x, y File) int { return x.Created.Compare(y.Created) })
	return all, nil
}

// Describe returns what is known of a file, as the leader has it, or ErrNotFound.
func (s *Store) Describe(ctx context.Context, id ID) (File, error) {
	d, err := s.documents.Latest(ctx, fileKey(id))
	if errors.Is(err, document.ErrNotFound) {
		return File{}, ErrNotFound
	}
	if err != nil {
		return File{}, fmt.Errorf("describe file %s: %w", id, err)
	}
	f, err := parseFile(id, d.Value)
	if err == nil && !f.Expires.After(s.cfg.now()) {
		return File{}, ErrNotFound
	}
	return f, err
}

// Remove removes a file for good, or returns ErrNotFound. It may be called again after an error.
func (s *Store) Remove(ctx context.Context, id ID) error {
	d, err := s.documents.Latest(ctx, fileKey(id))
	if errors.Is(err, document.ErrNotFound) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("remove file %s: %w", id, err)
	}
	f, err := parseFile(id, d.Value)
	if err != nil {
		return err
	}
	k, err := f.shareKey()
	if err != nil {
		return err
	}
	return s.remove(ctx, id, k)
}

// remove removes a file in the order in which it can be gone on with: its share, by which the
// sweep finds it, last.
func (s *Store) remove(ctx context.Context, id ID, share document.Key) error {
	if err := s.documents.Remove(ctx, fileKey(id)); err != nil && !errors.Is(err, document.ErrNotFound) {
		return fmt.Errorf("remove file %s: %w", id, err)
	}
	b := s.bucketOf(id)
	for _, subject := range []string{b.meta(id), b.chunks(id)} {
		if err := b.stream.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return fmt.Errorf("remove file %s: %w", id, err)
		}
	}
	if err := s.documents.Remove(ctx, share); err != nil && !errors.Is(err, document.ErrNotFound) {
		return fmt.Errorf("remove file %s: %w", id, err)
	}
	return nil
}

// Forget removes all files of an identity whose account was deleted.
func (s *Store) Forget(ctx context.Context, owner lime.Identity) error {
	shares, err := s.shares(ctx, owner)
	if err != nil {
		return fmt.Errorf("forget the files of %s: %w", owner, err)
	}
	var failed error
	for id := range shares {
		if err := s.Remove(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// extend has a file that is complete be kept for its lifetime.
func (s *Store) extend(ctx context.Context, f *File) error {
	f.Complete, f.Expires = true, s.cfg.now().Add(s.cfg.Lifetime)
	text, err := f.record()
	if err != nil {
		return err
	}
	err = s.documents.Change(ctx, fileKey(f.ID), func(old document.Document) ([]byte, error) {
		if old.Revision == 0 {
			return nil, ErrNotFound // it was removed meanwhile
		}
		if known, err := parseFile(f.ID, old.Value); err == nil && known.Complete {
			*f = known // by somebody else
			return old.Value, nil
		}
		return text, nil
	})
	if err != nil {
		return err
	}
	k, err := f.shareKey()
	if err == nil {
		text, err = f.share()
	}
	if err != nil {
		return err
	}
	return s.documents.Put(ctx, k, text)
}

// publishTimeout bounds what is stored, or read, of a file at once. A question whose leader has gone is never
// answered: whoever asks is told so soon, and asks again.
const (
	publishTimeout = 10 * time.Second
	askTimeout     = 2 * time.Second
)
