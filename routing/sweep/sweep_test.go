package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// streams is one partition in memory, whose time is the test's.
type streams struct {
	log     []stream.Message
	end     uint64
	inbox   []stream.Message
	copies  uint64          // that the inbox ever had
	ttl     []time.Duration // of the copies
	walked  int             // messages of the inbox
	purged  uint64
	lying   bool   // a leader that knows of nothing yet
	cutOff  uint64 // the message at which reading fails
	broken  error
	full    bool
	tooLong string // a message that the inbox refuses
	told    []*nats.Msg
	deaf    error         // what the logs of senders answer: they have no leader, or no room
	slow    time.Duration // what a walk takes
}

func (s *streams) Partitions() int         { return 1 }
func (s *streams) LogName(int) string      { return "log" }
func (s *streams) put(to, envelope string) { s.putFor(0, to, envelope) }

// putFor stores a message that says how long it waits.
func (s *streams) putFor(lifetime time.Duration, to, envelope string) {
	n := lime.MustParseNode(to)
	key, err := subject.MakeKey(n.Identity)
	if err != nil {
		panic(err)
	}
	token := subject.Identity
	if n.Instance != "" {
		token = subject.Token(n.Instance)
	}
	turn.Lock()
	defer turn.Unlock()
	s.end++
	header := nats.Header{}
	if lifetime > 0 {
		header.Set(stream.LifetimeHeader, fmt.Sprint(int(lifetime.Seconds())))
	}
	s.log = append(s.log, stream.Message{
		Header: header, Subject: key.Log(0, token), Sequence: s.end, Position: s.end, Stored: time.Now(), Data: []byte(envelope),
	})
}

func (s *streams) WalkLog(_ context.Context, _ int, from uint64, before time.Time, limit int) (w stream.Walk, err error) {
	time.Sleep(s.slow) // virtual
	turn.Lock()
	defer turn.Unlock()
	w.Through = max(from, s.purged+1) - 1
	for _, m := range s.log {
		if m.Sequence < from || m.Sequence <= s.purged {
			continue
		}
		if w.More = len(w.Entries) == limit; w.More || !m.Stored.Before(before) {
			return w, s.broken
		}
		w.Entries = append(w.Entries, stream.Entry{Subject: m.Subject, Sequence: m.Sequence, Stored: m.Stored})
		w.Through = m.Sequence
	}
	return w, s.broken
}

func (s *streams) GetLog(_ context.Context, _ int, sequence uint64) (stream.Message, error) {
	turn.Lock()
	defer turn.Unlock()
	if sequence == s.cutOff {
		return stream.Message{}, stream.ErrUnavailable
	}
	for _, m := range s.log {
		if m.Sequence == sequence && !s.lying {
			return m, nil
		}
	}
	return stream.Message{}, stream.ErrNotFound
}

func (s *streams) GetLogRun(_ context.Context, _ int, from uint64, messages, _ int) (run []stream.Message, err error) {
	turn.Lock()
	defer turn.Unlock()
	for _, m := range s.log {
		if m.Sequence == s.cutOff {
			break // the rest comes one by one
		}
		if m.Sequence >= from && len(run) < messages && !s.lying {
			run = append(run, m)
		}
	}
	return run, s.broken
}

func (s *streams) LogBegin(context.Context, int) (uint64, error) { return s.purged + 1, nil }

func (s *streams) Copy(_ context.Context, _ int, list []stream.Transfer) []error {
	turn.Lock()
	defer turn.Unlock()
	errs := make([]error, len(list))
	for i, t := range list {
		if s.full {
			errs[i] = stream.ErrFull
			continue
		}
		if string(t.Message.Data) == s.tooLong {
			errs[i] = fmt.Errorf("copy: %w", stream.ErrRefused)
			continue
		}
		s.copies++
		m := t.Message
		m.Sequence, m.Stored = s.copies, time.Now()
		m.Subject = "inbox" + strings.TrimPrefix(m.Subject, "log")
		s.inbox = append(s.inbox, m)
		s.ttl = append(s.ttl, t.TTL)
	}
	return errs
}

func (s *streams) Store(_ context.Context, list []*nats.Msg) []error {
	turn.Lock()
	defer turn.Unlock()
	errs := make([]error, len(list))
	for i, m := range list {
		known := slices.ContainsFunc(s.told, func(t *nats.Msg) bool { return t.Header.Get(nats.MsgIdHdr) == m.Header.Get(nats.MsgIdHdr) })
		switch {
		case s.deaf != nil && (i > 0 || !errors.Is(s.deaf, stream.ErrUnavailable)):
			errs[i] = s.deaf
			continue
		case s.deaf != nil:
			errs[i] = s.deaf // it is stored, and nobody says so
		}
		if !known {
			s.told = append(s.told, m)
		}
	}
	return errs
}

// news are the ids that senders were told of, with the reasons.
func (s *streams) news() string {
	turn.Lock()
	defer turn.Unlock()
	var all []string
	for _, m := range s.told {
		n, err := lime.DecodeNotification(m.Data)
		if err != nil || n.Event != lime.EventFailed {
			return fmt.Sprintf("%s (%v)", m.Data, err)
		}
		all = append(all, fmt.Sprintf("%s>%s:%d", m.Subject, n.ID, n.Reason.Code))
	}
	return strings.Join(all, " ")
}

func (s *streams) PurgeLog(_ context.Context, _ int, upTo uint64) error {
	s.purged = max(s.purged, upTo)
	s.log = slices.DeleteFunc(s.log, func(m stream.Message) bool { return m.Sequence <= upTo })
	return nil
}

func (s *streams) WalkInbox(_ context.Context, _ int, from uint64, since time.Time, messages, _ int) (page stream.Page, err error) {
	turn.Lock()
	defer turn.Unlock()
	for _, m := range s.inbox {
		switch {
		case m.Sequence < from || from == 0 && m.Stored.Before(since):
		case len(page.Messages) == messages:
			page.More = true
		default:
			page.Messages = append(page.Messages, m)
			page.Through = m.Sequence
			s.walked++
		}
	}
	return page, s.broken
}

func (s *streams) Delete(_ context.Context, _ int, sequence uint64) error {
	s.inbox = slices.DeleteFunc(s.inbox, func(m stream.Message) bool { return m.Sequence == sequence })
	return nil
}

// count is how many wait in the inbox.
func (s *streams) count() int {
	turn.Lock()
	defer turn.Unlock()
	return len(s.inbox)
}

// waiting are the contents of the inbox.
func (s *streams) waiting() string {
	var all []string
	for _, m := range s.inbox {
		all = append(all, string(m.Data))
	}
	return strings.Join(all, " ")
}

// redis has floors by identity, and one holder.
type redis struct {
	floors map[lime.Identity]presence.Floor
	away   error
	other  bool // somebody else holds the leases
}

func (r *redis) Floors(_ context.Context, ids []lime.Identity) ([][]presence.Floor, error) {
	turn.Lock()
	defer turn.Unlock()
	all := make([][]presence.Floor, len(ids))
	for i, id := range ids {
		if f, ok := r.floors[id]; ok {
			all[i] = append(all[i], f)
		}
	}
	return all, r.away
}

func (r *redis) RaiseFloors(_ context.Context, all []presence.Floor) error {
	turn.Lock()
	defer turn.Unlock()
	for _, f := range all {
		if f.Position > r.floors[f.Identity].Position {
			r.floors[f.Identity] = f
		}
	}
	return r.away
}

func (r *redis) acknowledge(identity string, position uint64) {
	turn.Lock()
	defer turn.Unlock()
	i := lime.MustParseIdentity(identity)
	r.floors[i] = presence.Floor{Identity: i, Log: "log", Position: position}
}

func (r *redis) Hold(context.Context, string, presence.EdgeID, time.Duration) (bool, error) {
	turn.Lock()
	defer turn.Unlock()
	return !r.other, r.away
}

func (r *redis) Release(context.Context, string, presence.EdgeID) error { return nil }

// sweeping runs a test beside a sweeper, in virtual time.
func sweeping(t *testing.T, cfg Config, play func(s *streams, r *redis)) {
	synctest.Test(t, func(t *testing.T) {
		s, r := &streams{}, &redis{floors: map[lime.Identity]presence.Floor{}}
		if cfg.Logger == nil {
			log := logrus.New()
			log.SetOutput(t.Output())
			cfg.Logger = log
		}
		cfg.Streams, cfg.Registry, cfg.Router, cfg.ID = s, r, "inc-r", "r"
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			New(cfg).Run(ctx)
		}()
		synctest.Wait()
		play(s, r)
		cancel()
		<-ended
	})
}

// turn orders what a test does before the sweep's next step; synctest.Wait orders the
// rest.
var turn sync.Mutex

func pass(d time.Duration) {
	turn.Lock()
	turn.Unlock() //nolint:staticcheck // it is the order that counts
	time.Sleep(d) // virtual
	synctest.Wait()
}

func TestOnlyWhatIsUnacknowledgedMoves(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, r *redis) {
		for i := range 4 {
			s.put("rui@t", fmt.Sprint("r", i+1))
			s.put("lia@t/1", fmt.Sprint("l", i+1))
		}
		r.acknowledge("rui@t", 5)
		pass(9 * time.Second)
		if s.waiting() != "" {
			t.Errorf("%s waits before its time", s.waiting())
		}
		pass(4 * time.Second)
		if got, want := s.waiting(), "l1 l2 l3 r4 l4"; got != want {
			t.Errorf("what waits is %q, want %q", got, want)
		}
		if s.purged != 0 && len(s.inbox) == 0 {
			t.Error("the log is purged before it was copied")
		}
		pass(20 * time.Second)
		if len(s.log) != 0 || s.waiting() != "l1 l2 l3 r4 l4" {
			t.Errorf("the log still has %d, and %q waits", len(s.log), s.waiting())
		}
	})
}

func TestTheLogIsPurgedAStepAfterItWasCopied(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond, Lot: 1, PurgeLot: 1, Every: time.Second}, func(s *streams, _ *redis) {
		s.put("rui@t", "1")
		s.put("rui@t", "2")
		s.put("rui@t", "3")
		for range 40 {
			pass(time.Second)
			if int(s.purged) > len(s.inbox) {
				t.Fatalf("purged up to %d, and %q waits", s.purged, s.waiting())
			}
		}
		if s.waiting() != "1 2 3" || len(s.log) != 0 {
			t.Errorf("%q waits, and the log has %d", s.waiting(), len(s.log))
		}
	})
}

// What is behind is caught up with at once, and by half of the time.
func TestCatchingUpLeavesTimeToOthers(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond, Lot: 1, Every: time.Second}, func(s *streams, _ *redis) {
		s.slow = 100 * time.Millisecond
		for i := range 100 {
			s.put("rui@t", fmt.Sprint(i))
		}
		pass(12 * time.Second) // they are old enough after ten
		before := s.count()
		pass(10 * time.Second)
		if n := s.count() - before; n < 48 || n > 52 {
			t.Errorf("in 10 s %d steps of 100 ms were made, want 50", n)
		}
	})
}

func TestALeaderThatKnowsOfNothingIsNotBelieved(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		s.put("rui@t", "1")
		s.lying = true
		pass(time.Minute)
		if len(s.log) != 1 {
			t.Fatal("what was not copied is purged")
		}
		s.lying = false
		pass(5 * time.Second)
		if s.waiting() != "1" {
			t.Errorf("%q waits", s.waiting())
		}
	})
}

// A reading that is cut off in the middle has copied nothing of what came before.
func TestWhatWasReadAndNotCopiedIsReadAgain(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		for i := range 5 {
			s.put("rui@t", fmt.Sprint(i+1))
		}
		s.cutOff = 4
		pass(time.Minute)
		if len(s.log) != 5 {
			t.Errorf("of 5 messages that were not copied %d are left", len(s.log))
		}
		s.cutOff = 0
		pass(time.Minute)
		if s.waiting() != "1 2 3 4 5" {
			t.Errorf("%q waits", s.waiting())
		}
	})
}

func TestAnEmptiedRedisMakesTheSweepWait(t *testing.T) {
	sweeping(t, Config{}, func(s *streams, r *redis) {
		s.put("rui@t", "1")
		r.acknowledge("rui@t", 1)
		pass(40 * time.Second)
		s.put("rui@t", "2")
		r.acknowledge("rui@t", 2)
		pass(5 * time.Second)
		clear(r.floors)
		pass(10 * time.Second)
		r.acknowledge("rui@t", 2) // as its edge tells again
		pass(time.Minute)
		if s.waiting() != "" || len(s.log) != 0 {
			t.Errorf("%q waits though it is acknowledged, and the log has %d", s.waiting(), len(s.log))
		}
	})
}

func TestWithoutRedisOrTheLeaseNothingMoves(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, r *redis) {
		s.put("rui@t", "1")
		r.away = errors.New("away")
		pass(time.Minute)
		r.away, r.other = nil, true
		pass(time.Minute)
		if len(s.log) != 1 || s.waiting() != "" {
			t.Errorf("%q waits, and the log has %d", s.waiting(), len(s.log))
		}
		r.other = false
		pass(20 * time.Second)
		if s.waiting() != "1" {
			t.Errorf("%q waits", s.waiting())
		}
	})
}

// ages returns what the gauge says, by partition.
func ages(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		if f.GetName() == "limegrove_sweep_age_seconds" {
			for _, m := range f.GetMetric() {
				all[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return all
}

// The gauge is nought while the sweep keeps up, also when it finds nothing, grows while it
// does not, and goes with the partition.
func TestAgeTellsHowLateTheSweepIs(t *testing.T) {
	reg := prometheus.NewRegistry()
	sweeping(t, Config{Wary: time.Nanosecond, Metrics: reg, Lot: 1, Every: time.Second}, func(s *streams, r *redis) {
		want := func(what string, low, high float64) {
			t.Helper()
			if got, ok := ages(t, reg)["0"]; !ok || got < low || got > high {
				t.Errorf("%s: %v, want %v to %v", what, got, low, high)
			}
		}
		pass(time.Minute)
		want("nothing was ever stored", 0, 0)
		s.put("rui@t", "1")
		pass(time.Minute)
		want("what was stored was passed", 0, 0)
		s.broken = stream.ErrUnavailable
		s.put("rui@t", "2")
		pass(9 * time.Second)
		want("no later than it has failed for", 0, 9)
		pass(time.Minute)
		want("a message is late", 59, 70)
		s.broken = nil
		pass(2 * time.Second)
		want("it was passed", 0, 0)
		r.other = true
		pass(2 * time.Second)
		if all := ages(t, reg); len(all) != 0 {
			t.Errorf("of what another router sweeps the gauge says %v", all)
		}
	})
}

// A router that begins does not know how late it is before it has looked.
func TestAgeIsThatOfTheOldestMessageAtFirst(t *testing.T) {
	reg := prometheus.NewRegistry()
	sweeping(t, Config{Wary: time.Minute, Metrics: reg}, func(s *streams, r *redis) {
		r.other = true
		s.put("rui@t", "1")
		pass(time.Hour)
		r.other = false
		pass(10 * time.Second)
		if got := ages(t, reg)["0"]; got < 3590 || got > 3610 {
			t.Errorf("the oldest message has been late for %v, want an hour", got)
		}
	})
}

// What lasts is said again once a minute; to be wary is no failure.
func TestTroubleIsSaidOnceAMinute(t *testing.T) {
	log, said := logtest.NewNullLogger()
	count := func(level logrus.Level) (n int) {
		for _, e := range said.AllEntries() {
			if e.Level == level {
				n++
			}
		}
		return n
	}
	sweeping(t, Config{Wary: 30 * time.Second, Logger: log}, func(s *streams, _ *redis) {
		s.put("rui@t", "1")
		pass(time.Minute)
		if count(logrus.WarnLevel) != 0 || count(logrus.InfoLevel) != 2 {
			t.Errorf("the wait for floors is said by %d warnings and %d notes, want 0 and 2", count(logrus.WarnLevel), count(logrus.InfoLevel))
		}
		s.broken = stream.ErrUnavailable
		pass(10*time.Minute + 30*time.Second)
		if n := count(logrus.WarnLevel); n != 11 {
			t.Errorf("ten and a half minutes of failures are said %d times, want 11", n)
		}
		s.broken = nil
		pass(2 * time.Second)
		if n := count(logrus.InfoLevel); n != 3 {
			t.Errorf("that it goes on is said by %d notes, want 3", n)
		}
	})
}

// message is one of ana's, with an id.
func message(id string) string {
	return fmt.Sprintf(`{"id":%q,"from":"ana@t/1","to":"rui@t","type":"text/plain","content":"x"}`, id)
}

// What waits no longer is told to its sender, by a stored notification. Nobody hears of
// what has no id, and of notifications.
func TestSendersHearOfWhatIsGivenBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		cfg   Config
		begin func(*streams)
		want  string
	}{
		{"a full inbox", Config{}, func(s *streams) { s.full = true }, "log.0.t.@.ana.1>m1:34"},
		{"a message that is too long", Config{}, func(s *streams) { s.tooLong = message("m1") }, "log.0.t.@.ana.1>m1:21"},
		{"the end of its lifetime in the log", Config{Lifetime: time.Second}, nil, "log.0.t.@.ana.1>m1:41"},
		{"the end of its lifetime in the inbox", Config{Lifetime: time.Minute}, nil, "log.0.t.@.ana.1>m1:41"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Wary = time.Nanosecond
			sweeping(t, c.cfg, func(s *streams, _ *redis) {
				if c.begin != nil {
					c.begin(s)
				}
				s.put("rui@t", message("m1"))
				s.put("rui@t", `{"from":"ana@t/1","to":"rui@t","type":"text/plain","content":"x"}`)
				s.put("rui@t", `{"id":"m2","from":"ana@t/1","to":"rui@t","event":"received"}`)
				pass(2 * time.Minute)
				if s.news() != c.want {
					t.Errorf("senders are told %q, want %q", s.news(), c.want)
				}
				if strings.Contains(s.waiting(), "m1") || len(s.log) != 0 {
					t.Errorf("%q waits, and the log has %d", s.waiting(), len(s.log))
				}
			})
		})
	}
}

// A message is passed over or deleted when its sender's log has the news, and not
// before.
func TestWhatIsGivenBackIsKeptUntilItsSenderIsTold(t *testing.T) {
	const all = "log.0.t.@.ana.1>m1:%[1]d log.0.t.@.ana.1>m2:%[1]d"
	for _, deaf := range []error{stream.ErrUnavailable, stream.ErrFull} {
		sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
			s.full, s.deaf = true, deaf
			s.put("rui@t", message("m1"))
			s.put("rui@t", message("m2"))
			pass(time.Minute)
			if len(s.log) != 2 {
				t.Errorf("%v: of 2 messages whose sender was not told %d are left", deaf, len(s.log))
			}
			s.deaf = nil
			pass(time.Minute)
			if s.news() != fmt.Sprintf(all, 34) || len(s.log) != 0 {
				t.Errorf("%v: its sender is told %q, and the log has %d", deaf, s.news(), len(s.log))
			}
		})
		sweeping(t, Config{Wary: time.Nanosecond, Lifetime: time.Hour}, func(s *streams, _ *redis) {
			s.put("rui@t", message("m1"))
			s.put("rui@t", message("m2"))
			pass(time.Minute)
			s.deaf = deaf
			pass(2 * time.Hour)
			if len(s.inbox) != 2 {
				t.Errorf("%v: of 2 messages whose sender was not told %d are left", deaf, len(s.inbox))
			}
			s.deaf = nil
			pass(time.Minute)
			if s.news() != fmt.Sprintf(all, 41) || s.waiting() != "" {
				t.Errorf("%v: its sender is told %q, and %q waits", deaf, s.news(), s.waiting())
			}
		})
	}
}

// A log that is full makes room for the news by what was dealt with before.
func TestTheLogIsPurgedWhileNewsFindNoRoom(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond, Lot: 2}, func(s *streams, _ *redis) {
		s.deaf, s.tooLong = stream.ErrFull, message("long")
		s.put("rui@t", message("m1"))
		s.put("rui@t", message("m2"))
		s.put("rui@t", message("long"))
		pass(time.Minute)
		if s.waiting() == "" || len(s.log) != 1 {
			t.Errorf("%q waits, and the log has %d messages", s.waiting(), len(s.log))
		}
	})
}

// What waits for a guest has less time than what lies around it.
func TestSendersHearOfWhatNoGuestCameFor(t *testing.T) {
	const lifetime = 5 * time.Minute
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		for i := range 600 {
			s.put("lia@t", fmt.Sprint("account", i))
		}
		s.putFor(lifetime, "rui@t", message("m1"))
		s.putFor(lifetime, "rui@t", `{"id":"m2","from":"ana@t/1","to":"rui@t","event":"received"}`)
		s.put("lia@t", "behind")
		pass(lifetime)
		s.putFor(lifetime, "rui@t", message("m3"))
		if s.news() != "" || !strings.Contains(s.waiting(), "m1") {
			t.Errorf("before its time its sender is told %q, and there wait %q", s.news(), s.waiting())
		}
		pass(40 * time.Second)
		if want := "log.0.t.@.ana.1>m1:41"; s.news() != want {
			t.Errorf("the sender is told %q, want %q", s.news(), want)
		}
		if s.count() != 603 || strings.Contains(s.waiting(), "m1") || !strings.Contains(s.waiting(), "m3") {
			t.Errorf("%d wait, want all but m1", s.count())
		}
		if m1, m2, other := s.ttl[600], s.ttl[601], s.ttl[602]; m1 != 2*lifetime || m2 != lifetime || other != 0 {
			t.Errorf("JetStream expires them after %v, %v and %v, want twice the time, the time, and none of its own", m1, m2, other)
		}
		walked := s.walked
		pass(lifetime)
		if n := s.walked - walked; n > 2 {
			t.Errorf("%d were walked by again, want m3 alone", n)
		}
		if want := "log.0.t.@.ana.1>m1:41 log.0.t.@.ana.1>m3:41"; s.news() != want {
			t.Errorf("then the sender is told %q, want %q", s.news(), want)
		}
	})
}

// A message that has arrived and was not deleted has not failed.
func TestWhatAGuestHasAcknowledgedIsNotGivenBack(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, r *redis) {
		s.putFor(time.Minute, "rui@t", message("m1"))
		s.putFor(time.Minute, "rui@t", message("m2"))
		pass(30 * time.Second)
		r.acknowledge("rui@t", 1)
		pass(10 * time.Minute)
		if want := "log.0.t.@.ana.1>m2:41"; s.news() != want || s.count() != 0 {
			t.Errorf("the sender is told %q, want %q; %d wait", s.news(), want, s.count())
		}
	})
}

// Whoever takes the partition does not walk by what has waited for long.
func TestTheWalkForGuestsBeginsNearTheEnd(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, r *redis) {
		for i := range 600 {
			s.put("lia@t", fmt.Sprint("account", i))
		}
		pass(time.Hour)
		s.putFor(time.Minute, "rui@t", message("m1"))
		pass(20 * time.Second)
		r.other = true
		pass(2 * time.Second)
		r.other = false
		walked := s.walked
		pass(10 * time.Minute)
		if n := s.walked - walked; n > expirePage+5 {
			t.Errorf("%d were walked by, want m1 and one page of the head", n)
		}
		if s.news() != "log.0.t.@.ana.1>m1:41" {
			t.Errorf("the sender is told %q", s.news())
		}
	})
}

// What nobody can ever deliver holds up nobody.
func TestRefusedMessagesArePassed(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		s.tooLong = "long"
		s.put("rui@t", "1")
		s.put("rui@t", "long")
		s.put("rui@t", "2")
		s.end++ // and something that is no address
		s.log = append(s.log, stream.Message{Subject: "log.0.nobody", Sequence: s.end, Position: s.end, Stored: time.Now()})
		s.put("rui@t", "3")
		pass(time.Minute)
		if s.waiting() != "1 2 3" || len(s.log) != 0 {
			t.Errorf("%q waits, and the log has %d", s.waiting(), len(s.log))
		}
	})
}
