package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/api"
)

// AnswersBucket is the name of the bucket of answers.
const AnswersBucket = "idempotency"

const (
	// answersFor is how long an answer is kept.
	answersFor = 24 * time.Hour

	// answersBytes bounds all answers together: some four hundred thousand short ones.
	answersBytes = 256 << 20

	// answersWindow is the least that JetStream takes for a bucket; nothing here has a message id.
	answersWindow = 2 * time.Minute

	// claimFor is after what time a request that nobody has finished may be done by somebody else: the
	// router that has begun is taken for dead. It is longer than any request takes.
	claimFor = 2 * time.Minute

	// claimTries is how often a key is looked at that is there for the one replica and not for the other.
	claimTries = 4
)

// AnswersConfig is what Answers are made of. JetStream is required.
type AnswersConfig struct {
	JetStream jetstream.JetStream // it stays the caller's
	Replicas  int                 // of the bucket, where it is made. Default 1

	// Bytes bounds all answers together, where the bucket is made. When there is no more room the oldest
	// are forgotten. Default 256 MiB.
	Bytes int64
}

// Answers are the answers to requests that may be made again. Its methods may be called from anywhere.
type Answers struct {
	kv jetstream.KeyValue
}

var _ api.Answers = (*Answers)(nil)

// kept is what is stored for a key.
type kept struct {
	Print  []byte    `json:"print"`
	Until  time.Time `json:"until,omitzero"` // of a claim, by the clock of who has it
	Answer *api.Kept `json:"answer,omitempty"`
}

// OpenAnswers makes the bucket when it is missing. One that is there is taken as it is. After an error of
// JetStream that passes it may be called again.
func OpenAnswers(ctx context.Context, cfg AnswersConfig) (*Answers, error) {
	kv, err := cfg.JetStream.KeyValue(ctx, AnswersBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = makeAnswers(ctx, cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("open the answers of the API: %w", err)
	}
	return &Answers{kv}, nil
}

// makeAnswers makes the bucket as the library makes one, but that what is new has room: a bucket of the
// library's is full once it is full, and then no request with a key would be done for a day.
func makeAnswers(ctx context.Context, cfg AnswersConfig) (jetstream.KeyValue, error) {
	_, err := cfg.JetStream.CreateStream(ctx, jetstream.StreamConfig{
		Name: "KV_" + AnswersBucket, Description: "Limegrove " + AnswersBucket, Subjects: []string{"$KV." + AnswersBucket + ".>"},
		MaxMsgsPerSubject: 1, MaxAge: answersFor, MaxBytes: cmp.Or(cfg.Bytes, answersBytes), Discard: jetstream.DiscardOld,
		Storage: jetstream.FileStorage, Replicas: max(cfg.Replicas, 1), Duplicates: answersWindow,
		AllowRollup: true, DenyDelete: true, AllowDirect: true,
	})
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // of another router, which was faster
		return nil, err
	}
	return cfg.JetStream.KeyValue(ctx, AnswersBucket)
}

// Begin is that of api.Answers.
func (a *Answers) Begin(ctx context.Context, key string, fingerprint []byte) (*api.Kept, api.Claim, error) {
	c := api.Claim{Key: key, Print: fingerprint}
	value, err := json.Marshal(kept{Print: fingerprint, Until: time.Now().Add(claimFor)})
	if err != nil {
		return nil, c, fmt.Errorf("claim a request: %w", err)
	}
	for try := 0; ; try++ {
		c.Revision, err = a.kv.Create(ctx, key, value)
		if err == nil {
			return nil, c, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return nil, c, fmt.Errorf("claim a request: %w", unavailable(err))
		}
		answer, c, err := a.find(ctx, c, value)
		if !errors.Is(err, jetstream.ErrKeyNotFound) || try == claimTries {
			return answer, c, err
		}
		select { // it was given back just now, or another replica answers
		case <-ctx.Done():
			return nil, c, fmt.Errorf("claim a request: %w", unavailable(ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// find looks at a key that somebody has claimed, and claims it when that one has given up.
func (a *Answers) find(ctx context.Context, c api.Claim, value []byte) (*api.Kept, api.Claim, error) {
	e, err := a.kv.Get(ctx, c.Key)
	if err != nil {
		return nil, c, fmt.Errorf("find a request: %w", unavailable(err))
	}
	var there kept
	if err := json.Unmarshal(e.Value(), &there); err != nil {
		return nil, c, fmt.Errorf("find a request: %w", err)
	}
	switch {
	case !bytes.Equal(there.Print, c.Print):
		return nil, c, api.ErrMismatch
	case there.Answer != nil:
		return there.Answer, c, nil
	case time.Now().Before(there.Until):
		return nil, c, api.ErrRunning
	}
	if c.Revision, err = a.kv.Update(ctx, c.Key, value, e.Revision()); err != nil {
		return nil, c, fmt.Errorf("%w: %w", api.ErrRunning, err) // another has been faster
	}
	return nil, c, nil
}

// Finish is that of api.Answers.
func (a *Answers) Finish(ctx context.Context, c api.Claim, k api.Kept) error {
	value, err := json.Marshal(kept{Print: c.Print, Answer: &k})
	if err == nil {
		_, err = a.kv.Update(ctx, c.Key, value, c.Revision)
	}
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	return nil
}

// Abandon is that of api.Answers.
func (a *Answers) Abandon(ctx context.Context, c api.Claim) error {
	if err := a.kv.Purge(ctx, c.Key, jetstream.LastRevision(c.Revision)); err != nil {
		return fmt.Errorf("give a request back: %w", err)
	}
	return nil
}
