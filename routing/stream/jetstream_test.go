package stream_test

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/routing/stream"
)

// onePatience is after how long without an answer a request of a test is sent again. While
// a stream that was just made elects its leader nobody answers what is asked of it, and
// nobody says so either: whoever waits for an answer that he was not given waits for ever.
const onePatience = 2 * time.Second

// patientJetStream asks again what was not answered, where the tests ask for that.
type patientJetStream struct{ jetstream.JetStream }

// again calls ask until JetStream has answered, or ctx ends.
func again[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	for {
		once, cancel := context.WithTimeout(ctx, onePatience)
		v, err := ask(once)
		cancel()
		if err == nil || !stream.Leaderless(err) || ctx.Err() != nil {
			return v, err
		}
	}
}

// deleted is again for what deletes: it may have happened though nobody answered.
func deleted(ctx context.Context, gone error, ask func(context.Context) error) error {
	tries := 0
	_, err := again(ctx, func(ctx context.Context) (struct{}, error) {
		tries++
		return struct{}{}, ask(ctx)
	})
	if tries > 1 && errors.Is(err, gone) {
		return nil
	}
	return err
}

func (p patientJetStream) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	return again(ctx, func(ctx context.Context) (jetstream.Stream, error) { return p.JetStream.Stream(ctx, name) })
}

func (p patientJetStream) CreateStream(ctx context.Context, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	return again(ctx, func(ctx context.Context) (jetstream.Stream, error) { return p.JetStream.CreateStream(ctx, cfg) })
}

func (p patientJetStream) UpdateStream(ctx context.Context, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	return again(ctx, func(ctx context.Context) (jetstream.Stream, error) { return p.JetStream.UpdateStream(ctx, cfg) })
}

func (p patientJetStream) KeyValue(ctx context.Context, bucket string) (jetstream.KeyValue, error) {
	return again(ctx, func(ctx context.Context) (jetstream.KeyValue, error) { return p.JetStream.KeyValue(ctx, bucket) })
}

func (p patientJetStream) DeleteStream(ctx context.Context, name string) error {
	return deleted(ctx, jetstream.ErrStreamNotFound, func(ctx context.Context) error { return p.JetStream.DeleteStream(ctx, name) })
}

func (p patientJetStream) DeleteKeyValue(ctx context.Context, bucket string) error {
	return deleted(ctx, jetstream.ErrBucketNotFound, func(ctx context.Context) error { return p.JetStream.DeleteKeyValue(ctx, bucket) })
}
