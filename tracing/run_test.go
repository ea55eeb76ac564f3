package tracing

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus/hooks/test"
)

// step ends a span.
func (t *Tracer) step(n int) {
	for range n {
		t.End(&Span{}, nil)
	}
}

func TestSpansAreExportedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []int
		tr := New(Config{Export: func(_ context.Context, all []Span) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, len(all))
			return 0, nil
		}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); tr.Run(ctx) }()
		want := func(what string, counts ...int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(got, counts) {
				t.Fatalf("%s: exported were %v, want %v", what, got, counts)
			}
		}
		tr.step(batchSpans + 3)
		want("as many as go together at once", batchSpans)
		time.Sleep(batchPause)
		want("the others after a while", batchSpans, 3)
		time.Sleep(5 * batchPause)
		want("none, none", batchSpans, 3)
		tr.step(2)
		cancel()
		<-done
		want("what is left at the end", batchSpans, 3, 2)
	})
}

func TestACollectorThatIsAwayHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, lines := test.NewNullLogger()
		tr := New(Config{Queue: 10, Logger: logger, Export: func(ctx context.Context, all []Span) (int, error) {
			<-ctx.Done()
			return len(all), errors.New("away")
		}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); tr.Run(ctx) }()
		tr.step(1)
		time.Sleep(batchPause)
		synctest.Wait() // it is being exported
		tr.step(30)
		if n := tr.counted(tr.metrics.dropped[dropQueueFull]); n != 20 {
			t.Errorf("%d of 30 spans were dropped, want all but 10", n)
		}
		time.Sleep(exportTimeout + batchPause)
		synctest.Wait()
		if n := tr.counted(tr.metrics.dropped[dropExport]); n != 1 {
			t.Errorf("%d spans were dropped since they could not be exported, want 1", n)
		}
		began := time.Now()
		cancel()
		<-done
		if took := time.Since(began); took > lastTimeout {
			t.Errorf("it ends after %s", took)
		}
		if n := tr.counted(tr.metrics.dropped[dropExport]); n != 11 {
			t.Errorf("%d spans were dropped at the end, want 11", n)
		}
		if n := len(lines.AllEntries()); n < 1 || n > 2 {
			t.Errorf("%d lines about it in 12 s", n)
		}
	})
}
