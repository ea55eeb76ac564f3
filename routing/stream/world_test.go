package stream_test

import (
	"context"
	"strconv"
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
}

// suite runs every test on one server, and on three that keep three replicas. Each
// has servers of its own: a stream that is made again where one of its name was just
// deleted twice may find the messages of the other on disk.
func suite(t *testing.T, tests map[string]func(*world)) {
	t.Helper()
	t.Run("one server", func(t *testing.T) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) { test(newWorld(t, natstest.New(t), nil)) })
		}
	})
	t.Run("three replicas", func(t *testing.T) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				c := natstest.Cluster(t, 3)
				test(newWorld(t, c, c))
			})
		}
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
	var err error
	w.js, err = jetstream.New(w.nc)
	w.must("JetStream", err)
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

// store stores a message under a subject and returns its sequence. One with a
// message id is sent again when no acknowledgement comes, as a leader's end may
// take it away.
func (w *world) store(subject, data string, headers ...string) uint64 {
	w.Helper()
	m := nats.NewMsg(subject)
	m.Data = []byte(data)
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
		if m.Header.Get(jetstream.MsgIDHeader) == "" || w.ctx.Err() != nil {
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
