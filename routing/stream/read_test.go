package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/internal/natstest"
	"limegrove/routing/stream"
)

const (
	ana = "log.0.org.example.@.ana.home"
	rui = "log.0.org.example.@.rui._"
)

func TestRead(t *testing.T) {
	suite(t, map[string]func(*world){
		"republished copies tell the sequence before":    testRepublish,
		"the log knows an id again":                      testLogDuplicates,
		"pages follow each other":                        testPages,
		"messages of one group":                          testGroup,
		"a page ends by bytes":                           testPageBytes,
		"nothing is told with how much is known":         testEmpty,
		"a message of the log":                           testGet,
		"a thousand subjects at once":                    testLast,
		"last messages with large payloads":              testLastLarge,
		"a purged log":                                   testEmptyAfterPurge,
		"reads while the leader steps down miss nothing": testReadsDuringStepDown,
	})
}

// Hubs rely on these headers of what JetStream republishes.
func testRepublish(w *world) {
	s := w.open(stream.Config{})
	sub, err := w.broker.Connect().SubscribeSync("to.>")
	w.must("subscribe", err)
	w.must("flush", sub.SetPendingLimits(-1, -1))
	w.eventually("the subscription is known to all servers", func() bool {
		w.store(ana, "try")
		_, err := sub.NextMsg(50 * time.Millisecond)
		return err == nil
	})
	w.must("purge", s.PurgeLog(w.ctx, 0, w.end(s)))
	first := w.store(ana, "1", "X-Own", "kept")
	other := w.store(rui, "2")
	second := w.store(ana, "3")
	w.must("purge", s.PurgeLog(w.ctx, 0, second))
	third := w.store(ana, "4")
	for _, want := range []struct {
		subject   string
		seq, last uint64
	}{
		{"to.org.example.@.ana.home", first, 0},
		{"to.org.example.@.rui._", other, 0},
		{"to.org.example.@.ana.home", second, first},
		{"to.org.example.@.ana.home", third, 0},
	} {
		var m *nats.Msg
		for m == nil || string(m.Data) == "try" {
			m, err = sub.NextMsgWithContext(w.ctx)
			w.must("next copy", err)
		}
		h := m.Header
		if m.Subject != want.subject || h.Get("Nats-Sequence") != fmt.Sprint(want.seq) || h.Get("Nats-Last-Sequence") != fmt.Sprint(want.last) || h.Get("Nats-Stream") != "LOG_0" {
			w.Fatalf("copy %s with %v, want %+v", m.Subject, h, want)
		}
		if want.seq == first && h.Get("X-Own") != "kept" {
			w.Fatalf("the message's own header is gone: %v", h)
		}
	}
}

func testLogDuplicates(w *world) {
	s := w.open(stream.Config{})
	first := w.store(ana, "a", "Nats-Msg-Id", "x")
	if again := w.store(ana, "a", "Nats-Msg-Id", "x"); again != first {
		w.Fatalf("stored again as %d", again)
	}
	if all := w.readAll(w.logPage(s, ana, 10), w.end(s)); len(all) != 1 {
		w.Fatalf("%d messages, want 1", len(all))
	}
}

func testPages(w *world) {
	s := w.open(stream.Config{})
	var want []uint64
	for i := range 25 {
		want = append(want, w.store(ana, "a"+itoa(i), "X-Number", itoa(i)))
		w.store(rui, "r")
	}
	all := w.readAll(w.logPage(s, ana, 10), want[24])
	if len(all) != 25 {
		w.Fatalf("%d messages, want 25", len(all))
	}
	for i, m := range all {
		if m.Sequence != want[i] || m.Position != want[i] || string(m.Data) != "a"+itoa(i) ||
			m.Header.Get("X-Number") != itoa(i) || m.Subject != ana || time.Since(m.Stored).Abs() > time.Minute {
			w.Fatalf("message %d is %+v", i, m)
		}
	}
	page, err := s.ReadLog(w.ctx, 0, ana, want[20], 5, 1<<20)
	w.must("read", err)
	if len(page.Messages) == 5 && page.More {
		w.Fatal("the last five have more behind them")
	}
}

func testGroup(w *world) {
	s := w.open(stream.Config{})
	const ops, other = "group.0.org.example.groups.@.ops", "group.0.org.example.groups.@.other"
	var want []uint64
	for i := range 25 {
		want = append(want, w.store(ops, "a"+itoa(i)))
		w.store(other, "o")
	}
	read := func(from uint64) (stream.Page, error) { return s.ReadGroup(w.ctx, 0, ops, from, 10, 1<<20) }
	all := w.readAll(read, want[24])
	if len(all) != 25 {
		w.Fatalf("%d messages, want 25", len(all))
	}
	for i, m := range all {
		if m.Sequence != want[i] || string(m.Data) != "a"+itoa(i) || m.Subject != ops {
			w.Fatalf("message %d is %+v", i, m)
		}
	}
	for _, seq := range want[5:] {
		w.must("delete", s.DeleteGroup(w.ctx, 0, seq))
	}
	w.eventually("what is gone is known to be", func() bool {
		page, err := read(want[5])
		w.must("read", err)
		return len(page.Messages) == 0 && page.Through >= want[24]
	})
}

func testPageBytes(w *world) {
	s := w.open(stream.Config{})
	large := strings.Repeat("x", 400<<10)
	var last uint64
	for range 3 {
		last = w.store(ana, large)
	}
	w.readAll(w.logPage(s, ana, 10), last) // until the replicas have it
	w.eventually("a page of 500,000 bytes", func() bool {
		page, err := s.ReadLog(w.ctx, 0, ana, 0, 10, 500_000)
		w.must("read", err)
		if len(page.Messages) > 2 {
			w.Fatalf("%d messages in a page of 500,000 bytes, want 2", len(page.Messages))
		}
		return len(page.Messages) == 2 && page.More
	})
}

func testEmpty(w *world) {
	s := w.open(stream.Config{})
	end := w.store(rui, "r")
	for name, read := range map[string]func() (stream.Page, error){
		"a subject without messages": func() (stream.Page, error) { return s.ReadLog(w.ctx, 0, ana, 0, 10, 1000) },
		"behind the last":            func() (stream.Page, error) { return s.ReadLog(w.ctx, 0, rui, end+1, 10, 1000) },
	} {
		w.eventually(name, func() bool {
			page, err := read()
			w.must("read", err)
			if len(page.Messages) > 0 || page.More {
				w.Fatalf("%s: %+v", name, page)
			}
			return page.Through >= end
		})
	}
	page, err := s.ReadInbox(w.ctx, 0, "inbox.0.org.example.@.ana.home", 0, 10, 1000)
	if err != nil || len(page.Messages) > 0 || page.Through == 0 {
		w.Fatalf("an empty inbox: %+v, %v; want its mark to be known of", page, err)
	}
}

func testGet(w *world) {
	s := w.open(stream.Config{})
	seq := w.store(ana, "a", "X-Own", "kept")
	m, err := s.GetLog(w.ctx, 0, seq)
	if err != nil || string(m.Data) != "a" || m.Header.Get("X-Own") != "kept" || m.Position != seq || m.Subject != ana {
		w.Fatalf("got %+v, %v", m, err)
	}
	if _, err := s.GetLog(w.ctx, 0, seq+1); !errors.Is(err, stream.ErrNotFound) {
		w.Fatalf("a message that was never stored: %v", err)
	}
	w.store(rui, "b")
	run, err := s.GetLogRun(w.ctx, 0, seq, 10, 1000)
	if err != nil || len(run) != 2 || string(run[0].Data) != "a" || run[0].Position != seq || string(run[1].Data) != "b" {
		w.Fatalf("got %+v, %v", run, err)
	}
	if run, err = s.GetLogRun(w.ctx, 0, seq+2, 10, 1000); err != nil || len(run) != 0 {
		w.Fatalf("behind the end: %+v, %v", run, err)
	}
}

func testLast(w *world) {
	s := w.open(stream.Config{})
	var subjects []string
	want := map[string]uint64{}
	for i := range 2300 {
		subject := "log.0.org.example.@.user" + itoa(i) + "._"
		subjects = append(subjects, subject)
		if i%25 == 0 {
			w.store(subject, "first")
			want[subject] = w.store(subject, "last")
		}
	}
	end := w.end(s)
	w.eventually("all replicas know it", func() bool {
		last, through, err := s.LastLog(w.ctx, 0, subjects)
		w.must("last", err)
		if through < end {
			return false
		}
		if fmt.Sprint(last) != fmt.Sprint(want) {
			w.Fatalf("%d subjects have messages, want %d", len(last), len(want))
		}
		return true
	})
	last, through, err := s.LastInbox(w.ctx, 0, []string{"inbox.0.org.example.@.user0._"})
	if err != nil || len(last) > 0 || through == 0 {
		w.Fatalf("an empty inbox: %v, %d, %v", last, through, err)
	}
	if _, through, err = s.LastLog(w.ctx, 0, nil); err != nil || through == 0 {
		w.Fatalf("no subjects: %d, %v; want how much is known", through, err)
	}
}

func testLastLarge(w *world) {
	s := w.open(stream.Config{})
	large := strings.Repeat("x", 512<<10)
	var subjects []string
	const most = 10 // more than one answer takes
	for i := range most {
		subjects = append(subjects, "log.0.org.example.@.user"+itoa(i)+"._")
		w.store(subjects[i], large)
	}
	end := w.end(s)
	w.eventually("all replicas know it", func() bool {
		last, through, err := s.LastLog(w.ctx, 0, subjects)
		w.must("last", err)
		return through >= end && len(last) == most
	})
}

// A purge takes the mark away that tells how much a replica knows of.
func testEmptyAfterPurge(w *world) {
	s := w.open(stream.Config{})
	for range 2 {
		end := w.store(ana, "a")
		w.must("purge", s.PurgeLog(w.ctx, 0, end))
		w.eventually("the purge is known", func() bool {
			page, err := s.ReadLog(w.ctx, 0, ana, 0, 10, 1000)
			w.must("read", err)
			return len(page.Messages) == 0 && page.Through > end
		})
		last, through, err := s.LastLog(w.ctx, 0, []string{ana})
		if err != nil || len(last) > 0 || through <= end {
			w.Fatalf("after a purge: %v, %d, %v", last, through, err)
		}
	}
}

func testReadsDuringStepDown(w *world) {
	if w.cluster == nil {
		return // one server has no other leader
	}
	s := w.open(stream.Config{})
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			w.cluster.StepDown("LOG_0")
			w.eventually("a leader", func() bool { return w.cluster.Leader("LOG_0") != nil })
		}
		close(stop)
	}()
	var stored []uint64
	for going := true; going; {
		stored = append(stored, w.store(ana, "a", "Nats-Msg-Id", itoa(len(stored))))
		var all []stream.Message
		w.eventually("a read", func() bool {
			page, err := s.ReadLog(w.ctx, 0, ana, 0, 1000, 1<<20)
			if err != nil && !errors.Is(err, stream.ErrUnavailable) {
				w.Fatalf("read: %v", err)
			}
			all = page.Messages
			return err == nil && page.Through >= stored[len(stored)-1]
		})
		for i, m := range all {
			if i >= len(stored) || m.Sequence != stored[i] {
				w.Fatalf("message %d of %d is %d", i, len(stored), m.Sequence)
			}
		}
		select {
		case <-stop:
			going = false
		case <-time.After(time.Millisecond):
			going = len(stored) < 900
		}
	}
	<-done
}

// The broker cuts an answer off: what was got of it is not a page.
func TestCutOffAnswerIsAnError(t *testing.T) {
	head := func(seq, last int) nats.Header {
		return nats.Header{
			"Nats-Subject": {ana}, "Nats-Sequence": {itoa(seq)}, "Nats-Last-Sequence": {itoa(last)},
			"Nats-Time-Stamp": {"2026-01-02T03:04:05Z"}, "Nats-Num-Pending": {"0"},
		}
	}
	end := func(last, pending int) nats.Header {
		return nats.Header{"Status": {"204"}, "Description": {"EOB"}, "Nats-Last-Sequence": {itoa(last)}, "Nats-Num-Pending": {itoa(pending)}}
	}
	for name, c := range map[string]struct {
		answer []nats.Header
		want   int // messages; -1 for an error
	}{
		"whole":                    {[]nats.Header{head(3, 0), head(5, 3), end(5, 0)}, 2},
		"no end":                   {[]nats.Header{head(3, 0), head(5, 3)}, -1},
		"the first is missing":     {[]nats.Header{head(5, 3), end(5, 0)}, -1},
		"one between is missing":   {[]nats.Header{head(3, 0), head(7, 5), end(7, 0)}, -1},
		"the last is missing":      {[]nats.Header{head(3, 0), end(5, 0)}, -1},
		"all are missing":          {[]nats.Header{end(5, 0)}, -1},
		"twice":                    {[]nats.Header{head(3, 0), head(3, 0), end(3, 0)}, -1},
		"nobody":                   {[]nats.Header{{"Status": {"503"}}}, -1},
		"an error after a message": {[]nats.Header{head(3, 0), {"Status": {"404"}, "Description": {"Message Not Found"}}}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, natstest.New(t), nil)
			s := w.open(stream.Config{})
			w.must("delete", w.js.DeleteStream(w.ctx, "LOG_0"))
			fake := w.broker.Connect()
			_, err := fake.Subscribe("$JS.API.DIRECT.GET.LOG_0", func(m *nats.Msg) {
				for _, h := range c.answer {
					_ = fake.PublishMsg(&nats.Msg{Subject: m.Reply, Header: h})
				}
			})
			w.must("subscribe", err)
			w.must("flush", fake.Flush())
			ctx := w.ctx
			if c.want < 0 { // the end may never come
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
				defer cancel()
			}
			page, err := s.ReadLog(ctx, 0, ana, 0, 10, 1000)
			if c.want < 0 {
				if !errors.Is(err, stream.ErrUnavailable) || len(page.Messages) > 0 {
					t.Fatalf("got %+v, %v, want ErrUnavailable", page, err)
				}
				return
			}
			if err != nil || len(page.Messages) != c.want {
				t.Fatalf("got %+v, %v", page, err)
			}
		})
	}
}

func TestReadsAreCounted(t *testing.T) {
	w := newWorld(t, natstest.New(t), nil)
	reg := prometheus.NewRegistry()
	s := w.open(stream.Config{Metrics: reg})
	w.store(ana, "a")
	_, err := s.ReadLog(w.ctx, 0, ana, 0, 10, 1000)
	w.must("read", err)
	families, err := reg.Gather()
	w.must("gather", err)
	for _, f := range families {
		if f.GetName() == "limegrove_stream_reads_total" {
			for _, m := range f.GetMetric() {
				want := 0.0
				if m.GetLabel()[0].GetValue() == "ok" && m.GetLabel()[1].GetValue() == "log_page" {
					want = 1
				}
				if m.GetCounter().GetValue() != want {
					t.Errorf("counted %v, want one page of the log", m)
				}
			}
			return
		}
	}
	t.Error("not counted")
}
