package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/files"
	"limegrove/lime/client/spool"
)

const (
	// keptMessages and keptBytes bound the own messages on disk.
	keptMessages, keptBytes = 1000, 16 << 20
	// maxEvents is how many events wait for the loop.
	maxEvents = 256
	// maxPublished is how many messages wait to be published where nothing is kept on disk.
	maxPublished = 256
	// maxTold is how many receipts and the like wait to be sent. What is more is dropped: nobody waits for it.
	maxTold = 1024
	// maxAsked is how many questions are under way.
	maxAsked = 64
	// maxTransfers is how many transfers wait, and atOnce how many are under way.
	maxTransfers, atOnce = 16, 2
)

// session is what speaks with the cluster. What it has to tell are events.
type session struct {
	cfg    Config
	client *client.Client
	store  *spool.Spool // nil when nothing is kept

	events  chan any      // bounded: who has one waits
	changed chan struct{} // there is a change of the connection

	ctx  context.Context // of what is given up at the end
	stop context.CancelFunc
	hard context.Context // of what is finished before
	cut  context.CancelFunc
	work sync.WaitGroup
	last sync.WaitGroup // of what is finished before

	published chan publish
	told      chan func(context.Context) error
	asked     chan struct{} // has room for those under way
	transfers chan func(context.Context)

	mu        sync.Mutex
	latest    connection
	moving    context.Context // of transfers
	endMoving context.CancelFunc
}

// delivery is a message that has come. It is received when it was taken.
type delivery struct {
	message *lime.Message
	taken   chan struct{}
}

// panicked is what a goroutine ended with: the loop's to tell of, when the terminal is what it was.
type panicked struct{ why string }

// openSession begins a session, whether there is a network or not. What an earlier process has left is found.
func openSession(cfg Config) (s *session, left []*lime.Message, err error) {
	s = &session{
		cfg: cfg, events: make(chan any, maxEvents), changed: make(chan struct{}, 1), published: make(chan publish, maxPublished),
		told: make(chan func(context.Context) error, maxTold), asked: make(chan struct{}, maxAsked),
		transfers: make(chan func(context.Context), maxTransfers),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.hard, s.cut = context.WithCancel(context.Background())
	s.moving, s.endMoving = context.WithCancel(s.ctx)
	if cfg.Spool != "" {
		if s.store, err = spool.Open(cfg.Spool, spool.Config{Limit: spool.Limit{Count: keptMessages, Bytes: keptBytes}}); err != nil {
			s.end()
			return nil, nil, fmt.Errorf("open what waits to be sent, in %s: %w", cfg.Spool, err)
		}
		if left, err = kept(s.store); err != nil {
			s.end()
			return nil, nil, errors.Join(err, s.store.Close())
		}
		cfg.Client.Store = s.store
	}
	var mux client.Mux
	mux.HandleNotification(func(_ context.Context, _ *client.Client, n *lime.Notification) { s.post(notified{n}) })
	mux.HandleCommand(lime.MethodObserve, "/", func(_ context.Context, _ *client.Client, c *lime.Command) (*client.Document, error) {
		s.post(observed{c})
		return nil, nil
	})
	cfg.Client.Handler = &mux
	cfg.Client.Presence = &lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity}
	cfg.Client.Receipts = client.ReceiptsWhenHandled
	cfg.Client.OnStatus = s.status
	if s.client, err = client.Start(cfg.Server, cfg.Client); err != nil {
		s.end()
		if s.store != nil {
			err = errors.Join(err, s.store.Close())
		}
		return nil, nil, err
	}
	s.begin()
	return s, left, nil
}

// kept are the messages that are kept.
func kept(s *spool.Spool) (all []*lime.Message, err error) {
	for number := uint64(0); ; {
		var text []byte
		if number, text, err = s.Next(number); err != nil || number == 0 {
			return all, err
		}
		if m, err := lime.DecodeMessage(text); err == nil {
			all = append(all, m)
		}
	}
}

// post brings an event to the loop, and waits for room.
func (s *session) post(e any) {
	select {
	case s.events <- e:
	case <-s.ctx.Done():
	}
}

// start runs something until the session ends.
func (s *session) start(run func()) { s.work.Go(func() { s.guarded(run) }) }

// guarded has the loop tell of a panic.
func (s *session) guarded(run func()) {
	defer func() {
		if p := recover(); p != nil {
			s.post(panicked{fmt.Sprintf("%v\n\n%s", p, debug.Stack())})
		}
	}()
	run()
}

// begin starts what a session consists of.
func (s *session) begin() {
	s.start(s.receive)
	if own := s.cfg.Certificate; own != nil {
		s.start(func() { own.Keep(s.ctx, s.client, func(err error) { s.post(unrenewed{err}) }) })
	}
	s.last.Go(func() { s.guarded(s.publishAll) })
	s.last.Go(func() { s.guarded(s.tellAll) })
	for range atOnce {
		s.start(s.moveAll)
	}
}

// receive hands messages out. One that was not taken when all ends is not received, and comes again.
func (s *session) receive() {
	for m, err := range s.client.Messages(s.ctx) {
		if err != nil {
			return
		}
		d := delivery{m, make(chan struct{})}
		s.post(d)
		select {
		case <-d.taken:
		case <-s.client.Done():
			return
		}
	}
}

// tellAll sends receipts and the like.
func (s *session) tellAll() {
	for tell := range s.told {
		ctx, cancel := context.WithTimeout(s.hard, s.cfg.Timeout)
		_ = tell(ctx) // nobody waits for it
		cancel()
	}
}

// moveAll does one transfer after the other.
func (s *session) moveAll() {
	for {
		select {
		case move := <-s.transfers:
			s.mu.Lock()
			ctx := s.moving
			s.mu.Unlock()
			move(ctx)
		case <-s.ctx.Done():
			return
		}
	}
}

// status is told of every change of the client's. It must not block, so that the loop may learn of the last of several.
func (s *session) status(c client.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest.state, s.latest.me = away, c.Node
	s.latest.pause = int((c.Pause + time.Second - 1) / time.Second)
	switch c.State {
	case client.StateConnecting:
		s.latest.state = connecting
	case client.StateOnline:
		s.latest.state = online
		s.latest.sessions++
	}
	s.latest.why = ""
	if c.Err != nil {
		s.latest.why = reasonOf(c.Err)
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// connection is how it is now.
func (s *session) connection() connection {
	server := strings.TrimPrefix(s.client.Server().Instance, "#")
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.latest
	c.server = server
	return c
}

// publishAll publishes what is said, in order, and at the end what is left.
func (s *session) publishAll() {
	for p := range s.published {
		s.publish(s.hard, p)
	}
}

func (s *session) publish(ctx context.Context, p publish) {
	sent, err := s.client.PublishAsync(ctx, p.message)
	if err != nil {
		s.post(published{p.message.ID, err})
		return
	}
	s.start(func() {
		select {
		case <-sent.Done():
			if err := sent.Err(); err == nil || !errors.Is(err, client.ErrKept) {
				s.post(published{p.message.ID, err})
			}
		case <-s.ctx.Done():
		}
	})
}

// do does what the model wants. The answer is one that there is already, or nil.
func (s *session) do(e effect) (answer any) {
	switch e := e.(type) {
	case publish:
		select {
		case s.published <- e:
		default:
			return published{e.message.ID, errors.New("too many messages wait to be sent")}
		}
	case sayConsumed:
		n := &lime.Notification{ID: e.id, To: e.to, Event: lime.EventConsumed}
		s.tell(func(ctx context.Context) error { return s.client.Send(ctx, n) })
	case sayWriting:
		m := &lime.Message{To: lime.Node{Identity: e.to}, Type: mediaChatState, Content: json.RawMessage(`{"state":"composing"}`)}
		s.tell(func(ctx context.Context) error { return s.client.Send(ctx, m) })
	case ask:
		return s.ask(e.about, func(ctx context.Context) (*lime.Command, error) { return s.client.Command(ctx, e.command) })
	case show:
		return s.ask(e.about, func(ctx context.Context) (*lime.Command, error) { return nil, s.client.SetPresence(ctx, e.presence) })
	case upload:
		if !s.move(func(ctx context.Context) { s.upload(ctx, e) }) {
			return uploaded{id: e.id, err: errTransfers}
		}
	case download:
		if !s.move(func(ctx context.Context) { s.download(ctx, e) }) {
			return fetched{number: e.number, err: errTransfers}
		}
	case reconnect:
		s.client.Retry()
	case cancel:
		s.mu.Lock()
		s.endMoving()
		s.moving, s.endMoving = context.WithCancel(s.ctx)
		s.mu.Unlock()
	default:
		panic(fmt.Sprintf("chat: no such effect: %T", e))
	}
	return nil
}

var (
	errTransfers = fmt.Errorf("%d transfers wait already", maxTransfers)
	errAsked     = fmt.Errorf("%d questions are under way already", maxAsked)
)

func (s *session) tell(say func(context.Context) error) {
	select {
	case s.told <- say:
	default:
	}
}

// ask asks something and posts the answer.
func (s *session) ask(about any, ask func(context.Context) (*lime.Command, error)) any {
	select {
	case s.asked <- struct{}{}:
	default:
		return answered{about: about, err: errAsked}
	}
	s.start(func() {
		defer func() { <-s.asked }()
		ctx, cancel := context.WithTimeout(s.ctx, s.cfg.Timeout)
		defer cancel()
		answer, err := ask(ctx)
		s.post(answered{about, answer, err, errors.Is(err, client.ErrLost)})
	})
	return nil
}

func (s *session) move(do func(context.Context)) bool {
	select {
	case s.transfers <- do:
		return true
	default:
		return false
	}
}

// transfersOf tell how far they are, some times a second.
func (s *session) transfersOf(tell func(done, total int64)) (*files.Transfers, error) {
	var last time.Time
	return files.New(s.client, files.Config{HTTP: s.cfg.HTTP, Progress: func(done, total int64) {
		if now := time.Now(); done == total || now.Sub(last) > 100*time.Millisecond {
			last = now
			tell(done, total)
		}
	}})
}

func (s *session) upload(ctx context.Context, e upload) {
	t, err := s.transfersOf(func(done, total int64) { s.post(moved{id: e.id, done: done, total: total}) })
	var f lime.File
	if err == nil {
		f, err = t.UploadFile(ctx, e.path)
	}
	s.post(uploaded{e.id, f, err})
}

func (s *session) download(ctx context.Context, e download) {
	t, err := s.transfersOf(func(done, total int64) { s.post(moved{number: e.number, done: done, total: total}) })
	var got files.Fetched
	if err == nil {
		got, err = s.fetch(ctx, t, e)
	}
	s.post(fetched{e.number, got.Path, err})
}

func (s *session) fetch(ctx context.Context, t *files.Transfers, e download) (files.Fetched, error) {
	dir := e.into
	if dir == "" {
		dir = s.cfg.Into
	}
	into, err := files.OpenDirectory(dir, "")
	if err != nil {
		return files.Fetched{}, err
	}
	got, err := t.Download(ctx, e.link, e.from, into)
	return got, errors.Join(err, into.Close())
}

// end gives everything up.
func (s *session) end() {
	s.stop()
	s.cut()
}

// farewell is how long the end may take: what was said is kept or sent, and the session finished.
const farewell = 3 * time.Second

// close ends the session. Nobody may call do any more.
func (s *session) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	defer context.AfterFunc(ctx, s.cut)()
	close(s.published)
	close(s.told)
	s.stop()
	s.last.Wait()
	err := s.client.Shutdown(ctx)
	if why := s.client.Err(); errors.Is(err, client.ErrLost) || errors.Is(err, context.DeadlineExceeded) || errors.Is(why, client.ErrClosed) {
		err = nil // what is not sent is kept
	}
	<-s.client.Done()
	s.cut()
	s.work.Wait()
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return err
}
