package tracing

import (
	"context"
	"time"
)

const (
	// batchSpans is how many spans are exported together, at most, and batchPause how long the first of them waits for others.
	batchSpans = 512
	batchPause = time.Second

	// exportTimeout bounds an export, and lastTimeout all that is exported at the end.
	exportTimeout = 10 * time.Second
	lastTimeout   = 2 * time.Second
)

// Run exports spans until ctx is done, and then, for a moment, those that are left.
func (t *Tracer) Run(ctx context.Context) {
	batch := make([]Span, 0, batchSpans)
	tick := time.NewTicker(batchPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			t.last(batch)
			return
		case s := <-t.queue:
			if batch = append(batch, s); len(batch) < batchSpans {
				continue
			}
		case <-tick.C:
		}
		t.send(ctx, batch)
		batch = batch[:0]
	}
}

// last exports what is left.
func (t *Tracer) last(batch []Span) {
	ctx, cancel := context.WithTimeout(context.Background(), lastTimeout)
	defer cancel()
	for {
		select {
		case s := <-t.queue:
			if batch = append(batch, s); len(batch) < batchSpans {
				continue
			}
			t.send(ctx, batch)
			batch = batch[:0]
		default:
			t.send(ctx, batch)
			return
		}
	}
}

// send exports spans, or drops them. It borrows them.
func (t *Tracer) send(ctx context.Context, batch []Span) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	if lost, err := t.export(ctx, batch); err != nil {
		t.metrics.drop(dropExport, lost)
		t.complaints.Warn("spans cannot be exported; they are dropped", err)
	}
}
