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
		"sequences begin at the time of making":  testFirstSequence,
		"streams of an older cluster are kept":   testSmallSequences,
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
	change("GROUP_0", func(c *jetstream.StreamConfig) {
		c.MaxBytes, c.Discard, c.Duplicates, c.MaxAge = 1<<20, jetstream.DiscardNew, time.Minute, 25*time.Hour
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

// Positions are above those of every log that was there before, whoever reads them.
func testFirstSequence(w *world) {
	before := uint64(time.Now().UnixMicro())
	s := w.open(stream.Config{})
	after := uint64(time.Now().UnixMicro())
	if end := w.end(s); end+1 < before || end+1 > after {
		w.Fatalf("an empty log ends at %d, want from %d to %d", end, before-1, after-1)
	}
	begin, err := s.LogBegin(w.ctx, 0)
	w.must("begin", err)
	for i := range uint64(3) {
		if got := w.store("log.0.t.@.ana._", "x"); got != begin+i {
			w.Fatalf("message %d has position %d, want %d", i, got, begin+i)
		}
	}
	if end := w.inboxEnd(s); end+1 < before || end+1 > after {
		w.Errorf("an empty inbox ends at %d, want from %d to %d", end, before-1, after-1)
	}
	entries := w.walkAll(s)
	if len(entries) != 3 || entries[0].Sequence != begin {
		w.Fatalf("a walk from the begin finds %v, want three from %d on", entries, begin)
	}
	// Who remembers a position of an older log begins with all of this one.
	page, err := s.ReadLog(w.ctx, 0, "log.0.t.@.ana._", 4711, 10, 1<<20)
	w.must("read", err)
	if len(page.Messages) != 3 || page.Through != begin+2 {
		w.Errorf("a page from an old position has %d messages through %d", len(page.Messages), page.Through)
	}
	last, through, err := s.LastLog(w.ctx, 0, []string{"log.0.t.@.ana._"})
	w.must("last", err)
	if last["log.0.t.@.ana._"] != begin+2 || through < begin+2 {
		w.Errorf("the last is %v through %d", last, through)
	}
	for from, want := range map[uint64]int{0: 3, 4711: 3, begin + 1: 2, begin + 3: 0} {
		if n, err := s.Logged(w.ctx, 0, "log.0.t.@.ana.*", from); err != nil || n != want {
			w.Errorf("from %d on %d are counted (%v), want %d", from, n, err, want)
		}
	}
	w.must("purge", s.PurgeLog(w.ctx, 0, begin+1))
	if begin, err := s.LogBegin(w.ctx, 0); err != nil || begin != page.Through {
		w.Errorf("purged, the log begins at %d (%v), want %d", begin, err, page.Through)
	}
}

// They begin at 1, and are neither refused nor changed.
func testSmallSequences(w *world) {
	w.open(stream.Config{})
	for _, name := range []string{"LOG_0", "INBOX_0"} {
		old, err := w.js.Stream(w.ctx, name)
		w.must("look at "+name, err)
		cfg := old.CachedInfo().Config
		w.must("delete", w.js.DeleteStream(w.ctx, name))
		cfg.FirstSeq = 0
		_, err = w.js.CreateStream(w.ctx, cfg)
		w.must("make "+name, err)
	}
	s := w.open(stream.Config{})
	if got := w.store("log.0.t.@.ana._", "x"); got != 1 {
		w.Fatalf("the first message has position %d", got)
	}
	if all := w.walkAll(s); len(all) != 1 || all[0].Sequence != 1 {
		w.Errorf("a walk finds %v", all)
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
