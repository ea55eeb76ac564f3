package sweep

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/event"
	"limegrove/routing/stream"
)

// platform stores events, and knows ids.
type platform struct {
	refuses event.Type
	away    error
	told    []event.Event
	streams *streams
	late    []string // events that were stored when the log had their message no more
}

func (p *platform) Wants(t event.Type) bool { return t != p.refuses }

func (p *platform) Store(_ context.Context, all []event.Event) error {
	turn.Lock()
	defer turn.Unlock()
	if p.away != nil {
		return p.away
	}
	for _, e := range all {
		if slices.ContainsFunc(p.told, func(t event.Event) bool { return t.ID == e.ID }) {
			continue
		}
		p.told = append(p.told, e)
		if len(p.streams.log) == 0 && e.Type == event.MessageAbsent {
			p.late = append(p.late, e.ID)
		}
	}
	return nil
}

func (p *platform) heard() string {
	turn.Lock()
	defer turn.Unlock()
	var all []string
	for _, e := range p.told {
		m := e.Detail.(event.Message)
		text := fmt.Sprintf("%s>%s:%s", e.Type, e.Whom, m.ID)
		if m.Reason != nil {
			text += fmt.Sprint("=", int(m.Reason.Code))
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func (p *platform) want(t *testing.T, why, want string) {
	t.Helper()
	if got := p.heard(); got != want {
		t.Errorf("%s: told %q, want %q", why, got, want)
	}
}

// telling is sweeping with a platform that is told.
func telling(t *testing.T, cfg Config, p *platform, play func(s *streams, r *redis)) {
	t.Helper()
	cfg.Wary, cfg.Events = time.Nanosecond, p
	sweeping(t, cfg, func(s *streams, r *redis) {
		turn.Lock()
		p.streams = s
		turn.Unlock()
		play(s, r)
	})
}

func TestThePlatformHearsOfMessagesForWhoIsAbsent(t *testing.T) {
	p := &platform{}
	telling(t, Config{}, p, func(s *streams, r *redis) {
		s.put("rui@t", message("m1"))
		s.put("eva@t", message("m2"))
		s.put("rui@t/2", message("m3"))
		s.put("rui@t", `{"id":"m4","from":"ana@t/1","to":"rui@t","event":"received"}`)
		s.put("rui@t", `{"from":"ana@t/1","to":"rui@t","type":"text/plain","content":"x"}`)
		s.put("rui@t", `garbage`)
		r.acknowledge("eva@t", 2)
		pass(9 * time.Second)
		p.want(t, "before its time", "")
		pass(time.Minute)
		p.want(t, "what waits", "message.absent>rui@t:m1 message.absent>rui@t:m3")
		if len(p.late) > 0 {
			t.Errorf("the log was purged before %q", p.late)
		}
		if m := p.told[0].Detail.(event.Message); string(m.Envelope) != message("m1") || m.From.Name != "ana" || p.told[0].ID != "message.absent.0.1" {
			t.Errorf("%+v", p.told[0])
		}
	})
}

func TestThePlatformHearsOfMessagesThatFail(t *testing.T) {
	for _, c := range []struct {
		name  string
		cfg   Config
		begin func(*streams)
		want  string
	}{
		{"a full inbox", Config{}, func(s *streams) { s.full = true }, "message.failed>rui@t:m1=34"},
		{"a message that is too long", Config{}, func(s *streams) { s.tooLong = message("m1") }, "message.failed>rui@t:m1=21"},
		{"the end of its lifetime in the log", Config{Lifetime: time.Second}, func(*streams) {}, "message.failed>rui@t:m1=41"},
		{
			"the end of its lifetime in the inbox",
			Config{Lifetime: time.Minute},
			func(*streams) {},
			"message.absent>rui@t:m1 message.failed>rui@t:m1=41",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &platform{}
			telling(t, c.cfg, p, func(s *streams, _ *redis) {
				c.begin(s)
				s.put("rui@t", message("m1"))
				pass(2 * time.Minute)
				p.want(t, c.name, c.want)
			})
		})
	}
}

func TestAStepIsDoneAgainUntilItsEventsAreStored(t *testing.T) {
	const absent, failed = "message.absent>rui@t:m0 message.absent>rui@t:m1 message.absent>rui@t:m3", "message.failed>rui@t:m2=21"
	for _, c := range []struct {
		refuses event.Type
		want    string
	}{{"", absent + " " + failed}, {event.MessageFailed, absent}, {event.MessageAbsent, failed}} {
		p := &platform{refuses: c.refuses, away: stream.ErrUnavailable}
		telling(t, Config{}, p, func(s *streams, _ *redis) {
			s.tooLong = message("m2")
			for i := range 4 {
				s.put("rui@t", message(fmt.Sprint("m", i)))
			}
			pass(5 * time.Minute)
			if s.news() != "" || len(s.log) != 4 {
				t.Errorf("without %q senders are told %q, and the log has %d", c.refuses, s.news(), len(s.log))
			}
			turn.Lock()
			p.away = nil
			turn.Unlock()
			pass(time.Minute)
			p.want(t, "all of it", c.want)
			if s.news() != "log.0.t.@.ana.1>m2:21" || len(s.log) != 0 {
				t.Errorf("senders are told %q, and the log has %d", s.news(), len(s.log))
			}
		})
	}
}

func TestNobodyHearsOfMessagesThatNobodyWants(t *testing.T) {
	p := &platform{refuses: event.MessageAbsent}
	telling(t, Config{}, p, func(s *streams, _ *redis) {
		s.tooLong = message("m2")
		s.put("rui@t", message("m1"))
		s.put("rui@t", message("m2"))
		pass(time.Minute)
		p.want(t, "failures alone", "message.failed>rui@t:m2=21")
	})
}
