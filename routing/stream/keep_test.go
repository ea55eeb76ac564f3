package stream_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"limegrove/routing/stream"
)

func TestKeep(t *testing.T) {
	suiteAtOnce(t, map[string]func(*world){
		"a stream that is deleted is made anew":       testRemade,
		"every process learns of it":                  testRemadeByAnother,
		"it is looked for where it is suspected":      testSuspected(askByName),
		"it is looked for without a page":             testSuspected(askForPage),
		"it is looked for without a leader":           testSuspected(askLeader),
		"it is looked for where nothing is stored":    testSuspected(askByStoring),
		"the partitions are recorded again":           testRecordedAgain,
		"the record alone is made again":              testRecordAlone,
		"another number of partitions ends a process": testOtherPartitions,
	})
}

// kept is a process that runs Keep on a connection of its own.
type kept struct {
	*stream.Streams
	w      *world
	nc     *nats.Conn
	counts *prometheus.Registry
	lines  *test.Hook
	remade chan int // partitions
	ended  chan error
}

// process opens streams of two partitions. Nobody keeps them before keep.
func (w *world) process() *kept {
	w.Helper()
	return w.processWith(stream.Config{})
}

func (w *world) processWith(cfg stream.Config) *kept {
	w.Helper()
	k := &kept{
		w: w, nc: w.broker.Connect(), counts: prometheus.NewRegistry(), remade: make(chan int, 16), ended: make(chan error, 1),
	}
	var logger *logrus.Logger
	logger, k.lines = test.NewNullLogger()
	cfg.NATS, cfg.Partitions, cfg.Metrics, cfg.Logger = k.nc, 2, k.counts, logger
	k.Streams = w.open(cfg)
	return k
}

// keep runs Keep until the test ends. It is listening when keep returns.
func (k *kept) keep() {
	k.w.Helper()
	before := k.nc.NumSubscriptions()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.ended <- k.Keep(ctx, func(p int) { k.remade <- p })
	}()
	k.w.Cleanup(func() {
		cancel()
		<-done
	})
	k.w.eventually("it listens", func() bool { return k.nc.NumSubscriptions() == before+1 })
	k.w.must("flush", k.nc.Flush())
}

// wantRemade waits for the one call about a partition.
func (k *kept) wantRemade(p int) {
	k.w.Helper()
	select {
	case got := <-k.remade:
		if got != p {
			k.w.Fatalf("partition %d was made anew, want %d", got, p)
		}
	case <-k.w.ctx.Done():
		k.w.Fatalf("nobody is told that partition %d was made anew", p)
	}
}

// wantCounts checks the metric and that each event has one warning.
func (k *kept) wantCounts(logs, inboxes int) {
	k.w.Helper()
	counted := map[string]int{}
	families, err := k.counts.Gather()
	k.w.must("gather", err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "limegrove_stream_remade_total" {
				counted[m.GetLabel()[0].GetValue()] = int(m.GetCounter().GetValue())
			}
		}
	}
	if len(counted) != 3 || counted["group"] != 0 || counted["log"] != logs || counted["inbox"] != inboxes {
		k.w.Errorf("counted are %v, want %d logs and %d inboxes", counted, logs, inboxes)
	}
	warned := 0
	for _, line := range k.lines.AllEntries() {
		if line.Message == "the stream was made anew; what was stored in it is gone" && line.Level == logrus.WarnLevel {
			warned++
		}
	}
	if warned != logs+inboxes {
		k.w.Errorf("%d warnings of %d events", warned, logs+inboxes)
	}
}

func (w *world) delete(name string) {
	w.Helper()
	w.must("delete "+name, w.js.DeleteStream(w.ctx, name))
}

func testRemade(w *world) {
	k := w.process()
	log, inbox := w.store("log.1.t.@.ana._", "x"), w.store("inbox.1.t.@.ana._", "x")
	name, other := k.LogName(1), k.LogName(0)
	k.keep()
	w.delete("LOG_1")
	k.wantRemade(1)
	if got := w.store("log.1.t.@.ana._", "y"); got <= log {
		w.Errorf("the new log gives position %d, the old one gave %d", got, log)
	}
	if k.LogName(1) == name || k.LogName(0) != other {
		w.Errorf("logs have the names %s and %s, and had %s and %s", k.LogName(0), k.LogName(1), other, name)
	}
	if got := w.store("inbox.1.t.@.ana._", "y"); got != inbox+1 {
		w.Errorf("the inbox was there, and gives sequence %d after %d", got, inbox)
	}
	k.wantCounts(1, 0)

	w.delete("INBOX_1")
	k.wantRemade(1)
	if got := w.store("inbox.1.t.@.ana._", "z"); got <= inbox+1 {
		w.Errorf("the new inbox gives sequence %d, the old one gave %d", got, inbox+1)
	}
	k.wantCounts(1, 1)
	select {
	case p := <-k.remade:
		w.Errorf("there is a third call, of partition %d", p)
	default:
	}
	w.open(stream.Config{}) // with the settings that they are to have
}

func testRemadeByAnother(w *world) {
	a, b := w.process(), w.process()
	a.keep()
	b.keep()
	w.delete("LOG_0")
	a.wantRemade(0)
	b.wantRemade(0)
	if a.LogName(0) != b.LogName(0) {
		w.Errorf("the log is called %s and %s", a.LogName(0), b.LogName(0))
	}
	a.wantCounts(1, 0)
	b.wantCounts(1, 0)
}

// testSuspected makes a test in which nobody listens while a stream is deleted, so that
// only what follows tells.
func testSuspected(ask func(ctx context.Context, s *stream.Streams)) func(*world) {
	return func(w *world) {
		k := w.process()
		w.delete("LOG_1")
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		ask(ctx, k.Streams)
		cancel()
		k.keep()
		k.wantRemade(1)
	}
}

func askByName(_ context.Context, s *stream.Streams) { s.Suspect(1) }

func askForPage(ctx context.Context, s *stream.Streams) {
	_, _ = s.ReadLog(ctx, 1, "log.1.t.@.ana._", 0, 1, 1)
}

func askLeader(ctx context.Context, s *stream.Streams) { _, _ = s.LogEnd(ctx, 1) }

func askByStoring(ctx context.Context, s *stream.Streams) {
	_ = s.Store(ctx, []*nats.Msg{{Subject: "log.1.t.@.ana._"}})
}

func testRecordedAgain(w *world) {
	k := w.process()
	k.keep()
	w.must("delete the record", w.js.DeleteKeyValue(w.ctx, "cluster"))
	w.delete("LOG_0")
	k.wantRemade(0)
	w.wantRecorded("2")
}

// A bucket that is deleted is not made anew while a server may still move its files away.
func testRecordAlone(w *world) {
	k := w.process()
	k.keep()
	before := time.Now()
	w.must("delete the record", w.js.DeleteKeyValue(w.ctx, "cluster"))
	w.wantRecorded("2")
	made, err := w.js.Stream(w.ctx, "KV_cluster")
	w.must("look at the record", err)
	if after := made.CachedInfo().Created.Sub(before); after < 2*time.Second {
		w.Errorf("the record was made anew %v after it was deleted, want 2s or more", after)
	}
}

// wantRecorded waits until a number of partitions is recorded.
func (w *world) wantRecorded(partitions string) {
	w.Helper()
	w.eventually("the partitions are recorded", func() bool {
		kv, err := w.js.KeyValue(w.ctx, "cluster")
		if err != nil {
			return false
		}
		e, err := again(w.ctx, func(ctx context.Context) (jetstream.KeyValueEntry, error) { return kv.Get(ctx, "partitions") })
		return err == nil && string(e.Value()) == partitions
	})
}

func testOtherPartitions(w *world) {
	k := w.process()
	k.keep()
	kv, err := w.js.KeyValue(w.ctx, "cluster")
	w.must("look at the record", err)
	_, err = again(w.ctx, func(ctx context.Context) (uint64, error) { return kv.Put(ctx, "partitions", []byte("4")) })
	w.must("record", err)
	w.delete("LOG_0")
	select {
	case err := <-k.ended:
		if err == nil || !strings.Contains(err.Error(), "made with 4 partitions and cannot have 2") {
			w.Errorf("it ends with %v", err)
		}
	case <-w.ctx.Done():
		w.Fatal("it goes on")
	}
}
