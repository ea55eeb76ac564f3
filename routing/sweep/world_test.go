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
	"github.com/sirupsen/logrus"

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
	spoken  []*nats.Msg   // to who was there
	deaf    error         // what the logs of senders answer: they have no leader, or no room
	slow    time.Duration // what a walk takes

	remade int // how often the log was made anew

	getting, removing time.Duration // what it takes to read one from the log, and to delete one
}

func (s *streams) Partitions() int         { return 1 }
func (s *streams) put(to, envelope string) { s.putWith(nats.Header{}, to, envelope) }

// LogName is that of the log that was made last.
func (s *streams) LogName(int) string {
	turn.Lock()
	defer turn.Unlock()
	return "log" + strings.Repeat("'", s.remade)
}

// putFor stores a message that says how long it waits.
func (s *streams) putFor(lifetime time.Duration, to, envelope string) {
	header := nats.Header{}
	if lifetime > 0 {
		header.Set(stream.LifetimeHeader, fmt.Sprint(int(lifetime.Seconds())))
	}
	s.putWith(header, to, envelope)
}

// putWith stores a message with a header.
func (s *streams) putWith(header nats.Header, to, envelope string) {
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

func (s *streams) GetLog(ctx context.Context, _ int, sequence uint64) (stream.Message, error) {
	if s.getting > 0 {
		time.Sleep(s.getting) // virtual
		if ctx.Err() != nil {
			return stream.Message{}, stream.ErrUnavailable
		}
	}
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
	return newsOf(s.told)
}

func newsOf(told []*nats.Msg) string {
	var all []string
	for _, m := range told {
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

func (s *streams) DeleteLog(_ context.Context, _ int, sequence uint64) error {
	turn.Lock()
	defer turn.Unlock()
	if s.broken != nil {
		return s.broken
	}
	s.log = slices.DeleteFunc(s.log, func(m stream.Message) bool { return m.Sequence == sequence })
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

func (s *streams) Publish(m *nats.Msg) error {
	turn.Lock()
	defer turn.Unlock()
	s.spoken = append(s.spoken, m)
	return nil
}

func (s *streams) Delete(ctx context.Context, _ int, sequence uint64) error {
	if s.removing > 0 {
		time.Sleep(s.removing) // virtual
		if ctx.Err() != nil {
			return stream.ErrUnavailable
		}
	}
	turn.Lock()
	defer turn.Unlock()
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
	turn.Lock()
	defer turn.Unlock()
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
		if have := r.floors[f.Identity]; f.Log != have.Log || f.Position > have.Position {
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

// message is one of ana's, with an id.
func message(id string) string {
	return fmt.Sprintf(`{"id":%q,"from":"ana@t/1","to":"rui@t","type":"text/plain","content":"x"}`, id)
}
