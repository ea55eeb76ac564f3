package stream

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bucket has what belongs to the cluster as a whole.
const (
	bucket        = "cluster"
	bucketStream  = "KV_" + bucket // as JetStream names it
	partitionsKey = "partitions"
)

// errPartitions means that this process counts partitions otherwise than the cluster.
var errPartitions = errors.New("another number of partitions")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Partitions is how many there are; it never changes.
func (s *Streams) Partitions() int { return s.partitions }

// Partition is the partition of a key, which is the same in every process and for
// ever: CRC-32C modulo the number of partitions.
func (s *Streams) Partition(key string) int { return partition(key, s.partitions) }

func partition(key string, of int) int {
	return int(crc32.Checksum([]byte(key), castagnoli) % uint32(of))
}

// recordPartitions returns the number of partitions that the cluster has. The first
// process of all decides it.
func (s *Streams) recordPartitions(ctx context.Context) (n int, err error) {
	var kv jetstream.KeyValue
	err = s.briefly(ctx, func(ctx context.Context) error {
		kv, err = s.openBucket(ctx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("bucket %s: %w", bucket, err)
	}
	var text string
	err = s.briefly(ctx, func(ctx context.Context) error {
		text, err = firstWrite(ctx, kv, partitionsKey, strconv.Itoa(max(s.cfg.Partitions, 1)))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("bucket %s: key %s: %w", bucket, partitionsKey, err)
	}
	n, err = strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPartitions {
		return 0, fmt.Errorf("bucket %s: key %s: %q is no number of partitions", bucket, partitionsKey, text)
	}
	if s.cfg.Partitions != 0 && s.cfg.Partitions != n {
		return 0, fmt.Errorf("%w: the cluster was made with %d partitions and cannot have %d", errPartitions, n, s.cfg.Partitions)
	}
	return n, nil
}

// firstWrite returns the value of the key, which is ours if there was none before.
// A replica that is behind may not have the value yet that kept ours out.
func firstWrite(ctx context.Context, kv jetstream.KeyValue, key, ours string) (string, error) {
	for try := 0; ; try++ {
		e, err := kv.Get(ctx, key)
		if err == nil {
			return string(e.Value()), nil
		}
		if !errors.Is(err, jetstream.ErrKeyNotFound) {
			return "", err
		}
		if _, err = kv.Create(ctx, key, []byte(ours)); err == nil {
			return ours, nil
		}
		if !Taken(err) {
			return "", err
		}
		if err := wait(ctx, try); err != nil {
			return "", err
		}
	}
}

// Taken tells of an error that the subject had a message already, or another than was expected. With
// replicas JetStream has a code of its own for it.
func Taken(err error) bool {
	if errors.Is(err, jetstream.ErrKeyExists) {
		return true
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// openBucket makes the bucket when it is missing, and has been for long enough: it is a
// stream like others. One that is there keeps the replicas that it has.
func (s *Streams) openBucket(ctx context.Context) (jetstream.KeyValue, error) {
	kv, err := s.js.KeyValue(ctx, bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		if _, ready := s.miss(bucketStream, time.Now()); !ready {
			return nil, errGone
		}
		kv, err = s.makeBucket(ctx)
	}
	if err == nil {
		s.found(bucketStream)
	}
	return kv, err
}

func (s *Streams) makeBucket(ctx context.Context) (jetstream.KeyValue, error) {
	kv, err := s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:      bucket,
		Description: "Limegrove cluster",
		History:     1,
		Storage:     jetstream.FileStorage,
		Replicas:    s.cfg.Replicas,
	})
	if errors.Is(err, jetstream.ErrBucketExists) { // another was faster, with other replicas
		return s.js.KeyValue(ctx, bucket)
	}
	return kv, err
}
