package stream_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/internal/natstest"
	"limegrove/routing/stream"
)

func TestOpen(t *testing.T) {
	suite(t, map[string]func(*world){
		"many processes open at the same moment": testConcurrentOpen,
		"the first decides the partitions":       testPartitionsAreKept,
		"settings are as they must be":           testSettings,
		"other settings are named":               testOtherSettings,
		"what was changed in JetStream counts":   testChangedSettings,
		"replicas are the operator's":            testReplicas,
		"a log made anew has another name":       testLogName,
	})
}

func testConcurrentOpen(w *world) {
	const processes = 5
	var conns []*nats.Conn
	for range processes {
		conns = append(conns, w.broker.Connect())
	}
	var wg sync.WaitGroup
	errs := make([]error, processes)
	names := make([]string, processes)
	for i, nc := range conns {
		wg.Go(func() {
			s, err := w.openPatiently(stream.Config{NATS: nc, Partitions: 2, Replicas: w.replicas})
			if err == nil {
				names[i] = s.LogName(1)
				s.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	w.must("open at once", errors.Join(errs...))
	for _, name := range names {
		if name == "" || name != names[0] {
			w.Fatalf("the log has the names %q", names)
		}
	}
}

func testPartitionsAreKept(w *world) {
	if got := w.open(stream.Config{Partitions: 3}).Partitions(); got != 3 {
		w.Fatalf("%d partitions, want 3", got)
	}
	if got := w.open(stream.Config{}).Partitions(); got != 3 {
		w.Fatalf("who names none has %d partitions, want the 3 that are recorded", got)
	}
	_, err := w.tryOpen(stream.Config{Partitions: 8})
	if err == nil || !strings.Contains(err.Error(), "3 partitions") || !strings.Contains(err.Error(), "have 8") {
		w.Fatalf("8 instead of 3 partitions: %v", err)
	}
}

func testSettings(w *world) {
	w.open(stream.Config{InboxLimit: 50, Lifetime: 24 * time.Hour})
	log, err := w.js.Stream(w.ctx, "LOG_0")
	w.must("log", err)
	inbox, err := w.js.Stream(w.ctx, "INBOX_0")
	w.must("inbox", err)
	l, i := log.CachedInfo().Config, inbox.CachedInfo().Config
	for what, ok := range map[string]bool{
		"the log is replicated":              l.Replicas == w.replicas,
		"the inbox is replicated":            i.Replicas == w.replicas,
		"the log acknowledges what is kept":  l.PersistMode == jetstream.DefaultPersistMode && !l.NoAck,
		"the inbox acknowledges what it has": i.PersistMode == jetstream.DefaultPersistMode && !i.NoAck,
		"the log forgets nothing":            l.MaxAge == 0 && l.MaxMsgs <= 0 && l.MaxBytes <= 0 && l.MaxMsgsPerSubject <= 0,
		"the inbox keeps an hour longer":     i.MaxAge == 25*time.Hour,
		"the inbox has room for twice":       i.MaxMsgsPerSubject == 100 && i.DiscardNewPerSubject,
		"windows":                            l.Duplicates == 20*time.Second && i.Duplicates == 10*time.Minute,
	} {
		if !ok {
			w.Errorf("not so: %s", what)
		}
	}
}

func testOtherSettings(w *world) {
	w.open(stream.Config{})
	for _, c := range []struct {
		cfg  stream.Config
		want string
	}{
		{stream.Config{DuplicateWindow: time.Minute}, "LOG_0 has other settings than ours: duplicate_window is 20s, not 1m0s"},
		{stream.Config{Lifetime: time.Hour}, "INBOX_0 has other settings than ours: max_age is 169h0m0s, not 2h0m0s"},
		{stream.Config{InboxLimit: 7}, "max_msgs_per_subject is 20000, not 14"},
		{stream.Config{InboxBytes: 1 << 20}, "INBOX_0 has other settings than ours: max_bytes is none, not 1048576"},
		{stream.Config{LogBytes: 1 << 20}, "LOG_0 has other settings than ours: max_bytes is none, not 1048576, discard is DiscardOld, not DiscardNew"},
	} {
		if _, err := w.tryOpen(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			w.Errorf("got %v, want %q", err, c.want)
		}
	}
	log, err := w.js.Stream(w.ctx, "LOG_0")
	w.must("log", err)
	if got := log.CachedInfo().Config.Duplicates; got != 20*time.Second {
		w.Errorf("the stream was changed: %v", got)
	}
}

// As docs/operations.md says that it is done.
func testChangedSettings(w *world) {
	w.open(stream.Config{})
	change := func(name string, how func(*jetstream.StreamConfig)) {
		s, err := w.js.Stream(w.ctx, name)
		w.must("look at "+name, err)
		cfg := s.CachedInfo().Config
		how(&cfg)
		_, err = w.js.UpdateStream(w.ctx, cfg)
		w.must("change "+name, err)
	}
	change("LOG_0", func(c *jetstream.StreamConfig) {
		c.MaxBytes, c.Discard, c.Duplicates = 1<<20, jetstream.DiscardNew, time.Minute
	})
	change("INBOX_0", func(c *jetstream.StreamConfig) {
		c.MaxBytes, c.MaxMsgsPerSubject, c.MaxAge = 2<<20, 14, 25*time.Hour
	})
	w.open(stream.Config{LogBytes: 1 << 20, InboxBytes: 2 << 20, DuplicateWindow: time.Minute, InboxLimit: 7, Lifetime: 24 * time.Hour})
}

func testReplicas(w *world) {
	other := 1
	if w.replicas == 1 {
		other = 3
	}
	w.open(stream.Config{})
	if _, err := w.openPatiently(stream.Config{NATS: w.nc, Replicas: other}); err != nil {
		w.Fatalf("%d replicas where there are %d: %v", other, w.replicas, err)
	}
}

func testLogName(w *world) {
	s := w.open(stream.Config{Partitions: 2})
	before := s.LogName(1)
	changed, err := s.Refresh(w.ctx)
	w.must("refresh", err)
	if len(changed) > 0 || s.LogName(1) != before {
		w.Fatalf("changed without a reason: %v", changed)
	}
	w.must("delete", w.js.DeleteStream(w.ctx, "LOG_1"))
	changed, err = s.Refresh(w.ctx)
	w.must("refresh", err)
	if len(changed) != 1 || changed[0] != 1 || s.LogName(1) == before {
		w.Fatalf("LOG_1 was made anew: changed %v, %s and before %s", changed, s.LogName(1), before)
	}
}

func TestPartitionIsStable(t *testing.T) {
	w := newWorld(t, natstest.New(t), nil)
	s := w.open(stream.Config{Partitions: 16})
	// CRC-32C of "123456789" is e3069283 (RFC 3720, B.4 has its polynomial).
	for key, want := range map[string]int{"": 0, "123456789": 0xe3069283 % 16, "org.example.@.ana": 8} {
		if got := s.Partition(key); got != want {
			t.Errorf("partition of %q is %d, want %d", key, got, want)
		}
	}
}
