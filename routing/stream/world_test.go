package stream_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/internal/natstest"
	"limegrove/routing/stream"
)

// patience is far more than anything here takes, but for what only the next round of looks
// finds on a machine that is very busy.
const patience = 2 * time.Minute

// broker is what a suite runs on.
type broker interface {
	Connect(opts ...nats.Option) *nats.Conn
}

// world is one broker with nothing stored.
type world struct {
	*testing.T
	broker   broker
	cluster  *natstest.Servers // nil for one server
	nc       *nats.Conn
	js       jetstream.JetStream
	replicas int
	ctx      context.Context
	stored   int // messages, by store
}

// suite runs every test on one server, and on three that keep three replicas. The tests
// share the servers, and each has an account of its own there: a stream that is made again
// where one of its name was just deleted twice may find the messages of the other on disk.
func suite(t *testing.T, tests map[string]func(*world)) {
	t.Helper()
	onBoth(t, func(t *testing.T, run func(*testing.T, func(*world))) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) { run(t, test) })
		}
	})
}

// atOnce is how many tests that wait run together. With more a busy machine would have all
// of them make their streams at the same time, and each would wait for the others.
const atOnce = 3

// suiteAtOnce is suite for tests that wait for most of their time.
func suiteAtOnce(t *testing.T, tests map[string]func(*world)) {
	t.Helper()
	onBoth(t, func(t *testing.T, run func(*testing.T, func(*world))) {
		var all sync.WaitGroup
		room := make(chan struct{}, atOnce)
		for name, test := range tests {
			room <- struct{}{}
			all.Go(func() {
				t.Run(name, func(t *testing.T) { run(t, test) })
				<-room
			})
		}
		all.Wait()
	})
}

// onBoth calls tests with what runs one of them in a world of its own.
func onBoth(t *testing.T, tests func(t *testing.T, run func(*testing.T, func(*world)))) {
	t.Helper()
	t.Run("one server", func(t *testing.T) {
		s := natstest.New(t)
		tests(t, func(t *testing.T, test func(*world)) { test(newWorld(t, s.Account(t), nil)) })
	})
	t.Run("three replicas", func(t *testing.T) {
		c := natstest.Cluster(t, 3)
		tests(t, func(t *testing.T, test func(*world)) {
			own := c.Account(t)
			test(newWorld(t, own, own))
		})
	})
}

func newWorld(t *testing.T, b broker, c *natstest.Servers) *world {
	t.Helper()
	w := &world{T: t, broker: b, cluster: c, nc: b.Connect(), replicas: 1}
	if c != nil {
		w.replicas = 3
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	w.ctx = ctx
	js, err := jetstream.New(w.nc)
	w.must("JetStream", err)
	w.js = patientJetStream{js}
	return w
}

func (w *world) must(what string, err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%s: %v", what, err)
	}
}

// open opens the streams, of one partition unless cfg says otherwise.
func (w *world) open(cfg stream.Config) *stream.Streams {
	w.Helper()
	s, err := w.tryOpen(cfg)
	w.must("open", err)
	return s
}

func (w *world) tryOpen(cfg stream.Config) (*stream.Streams, error) {
	w.Helper()
	if cfg.NATS == nil {
		cfg.NATS = w.nc
	}
	cfg.Replicas = w.replicas
	s, err := w.openPatiently(cfg)
	if err == nil {
		w.Cleanup(s.Close)
	}
	return s, err
}

// openPatiently opens the streams as processes do: a busy machine may be without a leader
// for longer than one Open waits.
func (w *world) openPatiently(cfg stream.Config) (*stream.Streams, error) {
	for {
		s, err := stream.Open(w.ctx, cfg)
		if err == nil || !stream.Leaderless(err) || w.ctx.Err() != nil {
			return s, err
		}
	}
}

// store stores a message under a subject and returns its sequence. It is sent again when
// no acknowledgement comes, as a leader's end may take it away, and known by its id.
func (w *world) store(subject, data string, headers ...string) uint64 {
	w.Helper()
	w.stored++
	m := nats.NewMsg(subject)
	m.Data = []byte(data)
	m.Header.Set(jetstream.MsgIDHeader, "stored-"+itoa(w.stored))
	for i := 0; i < len(headers); i += 2 {
		m.Header.Set(headers[i], headers[i+1])
	}
	for {
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		ack, err := w.js.PublishMsg(ctx, m)
		cancel()
		if err == nil {
			return ack.Sequence
		}
		if w.ctx.Err() != nil {
			w.Fatalf("store %s: %v", subject, err)
		}
	}
}

// eventually waits until ok, asking again.
func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	for !ok() {
		select {
		case <-w.ctx.Done():
			w.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// readAll reads pages until need is reached.
func (w *world) readAll(read func(from uint64) (stream.Page, error), need uint64) (all []stream.Message) {
	w.Helper()
	for from := uint64(0); ; {
		page, err := read(from)
		w.must("read", err)
		all = append(all, page.Messages...)
		if page.Through >= need && !page.More {
			return all
		}
		from = max(from, page.Through+1)
	}
}

func (w *world) logPage(s *stream.Streams, subject string, size int) func(uint64) (stream.Page, error) {
	return func(from uint64) (stream.Page, error) {
		return s.ReadLog(w.ctx, 0, subject, from, size, 1<<20)
	}
}

// end is the log's end, as its leader knows it.
func (w *world) end(s *stream.Streams) uint64 {
	w.Helper()
	end, err := s.LogEnd(w.ctx, 0)
	w.must("end", err)
	return end
}

func (w *world) inboxEnd(s *stream.Streams) uint64 {
	w.Helper()
	end, err := s.InboxEnd(w.ctx, 0)
	w.must("end", err)
	return end
}

// walkAll walks until the log's end.
func (w *world) walkAll(s *stream.Streams) (all []stream.Entry) {
	w.Helper()
	need := w.end(s)
	for from := uint64(0); ; {
		walk, err := s.WalkLog(w.ctx, 0, from, time.Now().Add(time.Hour), 7)
		w.must("walk", err)
		all = append(all, walk.Entries...)
		if walk.Through >= need {
			return all
		}
		from = walk.Through + 1
	}
}

// transfers are all messages of the log, whole.
func (w *world) transfers(s *stream.Streams) (list []stream.Transfer) {
	w.Helper()
	for _, e := range w.walkAll(s) {
		m, err := s.GetLog(w.ctx, 0, e.Sequence)
		w.must("get", err)
		list = append(list, stream.Transfer{Message: m})
	}
	return list
}

func itoa(n int) string { return strconv.Itoa(n) }
