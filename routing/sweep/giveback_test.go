package sweep

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/routing/stream"
)

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

// Who begins reads the log, too, which is kept for a while: what has failed is not there any
// more. What waits on is.
func TestWhatIsGivenBackIsNotInTheLog(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond, Keep: time.Hour}, func(s *streams, _ *redis) {
		s.tooLong = message("m2")
		s.put("rui@t", message("m1"))
		s.put("rui@t", message("m2"))
		s.put("rui@t", message("m3"))
		pass(time.Minute)
		if want := "log.0.t.@.ana.1>m2:21"; s.news() != want {
			t.Errorf("senders are told %q, want %q", s.news(), want)
		}
		var log []string
		for _, m := range s.log {
			log = append(log, string(m.Data))
		}
		if want := []string{message("m1"), message("m3")}; !slices.Equal(log, want) {
			t.Errorf("the log has %q, want %q", log, want)
		}
	})
}

// A message is passed over or deleted when its sender's log has the news, and not
// before.
func TestWhatIsGivenBackIsKeptUntilItsSenderIsTold(t *testing.T) {
	const all = "log.0.t.@.ana.1>m1:%[1]d log.0.t.@.ana.1>m2:%[1]d"
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		s.full, s.deaf = true, stream.ErrUnavailable
		s.put("rui@t", message("m1"))
		s.put("rui@t", message("m2"))
		pass(time.Minute)
		if len(s.log) != 2 {
			t.Errorf("of 2 messages whose sender was not told %d are left", len(s.log))
		}
		s.full, s.deaf = false, nil // m1 was told, and m2 goes with it
		pass(time.Minute)
		if s.news() != fmt.Sprintf(all, 34) || len(s.log) != 0 || s.waiting() != "" {
			t.Errorf("its sender is told %q, the log has %d, and %q waits", s.news(), len(s.log), s.waiting())
		}
		s.put("rui@t", message("m3"))
		pass(time.Minute)
		if s.waiting() != message("m3") {
			t.Errorf("then %q waits, want m3", s.waiting())
		}
	})
	sweeping(t, Config{Wary: time.Nanosecond, Lifetime: time.Hour}, func(s *streams, _ *redis) {
		s.put("rui@t", message("m1"))
		s.put("rui@t", message("m2"))
		pass(time.Minute)
		s.deaf = stream.ErrUnavailable
		pass(2 * time.Hour)
		if len(s.inbox) != 2 {
			t.Errorf("of 2 messages whose sender was not told %d are left", len(s.inbox))
		}
		s.deaf = nil
		pass(time.Minute)
		if s.news() != fmt.Sprintf(all, 41) || s.waiting() != "" {
			t.Errorf("its sender is told %q, and %q waits", s.news(), s.waiting())
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

// So it is when the lot is smaller the next time.
func TestWhatIsGivenBackIsSoInSmallerLots(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		s.full, s.deaf = true, stream.ErrUnavailable
		for _, id := range []string{"m1", "m2", "m3"} {
			s.put("rui@t", message(id))
		}
		pass(time.Minute)
		s.full, s.deaf, s.getting = false, nil, 3*time.Second // one is more than a quarter of a turn
		pass(time.Minute)
		if want := "log.0.t.@.ana.1>m1:34 log.0.t.@.ana.1>m2:34 log.0.t.@.ana.1>m3:34"; s.news() != want || s.waiting() != "" {
			t.Errorf("its sender is told %q, and %q waits, want %q and nothing", s.news(), s.waiting(), want)
		}
	})
}

// A log that is full has room when the sweep goes on, and only then: who is there is
// told, and nobody is waited for.
func TestAFullLogHoldsUpNobody(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		s.full, s.deaf = true, stream.ErrFull
		s.put("rui@t", message("m1"))
		s.put("rui@t", message("m2"))
		pass(time.Minute)
		if len(s.log) != 0 || s.news() != "" {
			t.Errorf("the log has %d, and %q is stored", len(s.log), s.news())
		}
		if want := "to.t.@.ana.1>m1:34 to.t.@.ana.1>m2:34"; newsOf(s.spoken) != want {
			t.Errorf("who is there is told %q, want %q", newsOf(s.spoken), want)
		}
	})
}

// What is told to somebody who may never come again waits no longer than for a guest.
func TestNewsWaitAsLongAsTheirMessageSays(t *testing.T) {
	sweeping(t, Config{Wary: time.Nanosecond}, func(s *streams, _ *redis) {
		s.full = true
		s.putWith(nats.Header{stream.NewsLifetimeHeader: {"300"}}, "rui@t", message("m1"))
		s.put("rui@t", message("m2"))
		pass(time.Minute)
		if got := []string{s.told[0].Header.Get(stream.LifetimeHeader), s.told[1].Header.Get(stream.LifetimeHeader)}; got[0] != "300" || got[1] != "" {
			t.Errorf("the news wait %q seconds, want 300 and as long as any", got)
		}
	})
}
