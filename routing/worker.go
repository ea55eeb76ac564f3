package routing

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/presence"
)

// Order is a command for the server, on its way to a router's handler. Its
// envelope is the handler's.
type Order struct {
	Requester lime.Node // the session that asks, whom the answer goes to
	Guest     bool      // the requester is one
	Envelope  []byte    // the command; its from was checked by the requester's edge
}

// WorkerConfig is what a Worker is made of. NATS, Router, Command and Login are
// required.
type WorkerConfig struct {
	NATS   *nats.Conn
	Router presence.EdgeID // the incarnation of this router

	// Command answers a command with an envelope for its requester, or with nil
	// when it has no answer.
	Command func(ctx context.Context, o Order) []byte

	// Login answers what an edge asks of a session's credentials. Both are the
	// text of package auth's messages.
	Login func(ctx context.Context, question []byte) []byte

	// Busy answers a login that finds Backlog full.
	Busy []byte

	// Commands and Logins are how many of each are worked on at once. Defaults: 16
	// and four for each processor.
	Commands, Logins int

	// Backlog bounds how many of each wait. What finds it full is refused: a
	// command by a failure response, a login by Busy. Default 2048.
	Backlog int

	// Timeout bounds the work on one. Default 5s.
	Timeout time.Duration

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Worker is a router's part of routing: it takes commands and logins from the
// queue group of all routers. A worker keeps nothing of its own.
type Worker struct {
	cfg      WorkerConfig
	log      logrus.FieldLogger
	prefix   string
	commands chan *nats.Msg
	logins   chan *nats.Msg
	taken    *prometheus.CounterVec
	refused  *prometheus.CounterVec
}

// routers is the queue group of all routers.
const routers = "routers"

// NewWorker makes a worker. It takes nothing before Run.
func NewWorker(cfg WorkerConfig) *Worker {
	if cfg.Commands <= 0 {
		cfg.Commands = 16
	}
	if cfg.Logins <= 0 {
		cfg.Logins = 4 * runtime.GOMAXPROCS(0)
	}
	if cfg.Backlog <= 0 {
		cfg.Backlog = 2048
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 5 * time.Second
	}
	f := promauto.With(cfg.Metrics)
	return &Worker{
		cfg:      cfg,
		log:      logger(cfg.Logger),
		prefix:   replyPrefix(cfg.Router),
		commands: make(chan *nats.Msg, cfg.Backlog),
		logins:   make(chan *nats.Msg, cfg.Backlog),
		taken: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_router_taken_total", Help: "Commands and logins taken, by kind.",
		}, []string{"kind"}),
		refused: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_router_refused_total", Help: "Commands and logins refused because too many wait, by kind.",
		}, []string{"kind"}),
	}
}

// Run takes commands and logins until ctx is done, and finishes what it has taken.
func (w *Worker) Run(ctx context.Context) error {
	commands, err := w.cfg.NATS.QueueSubscribe(rootCmd+">", routers, w.take(w.commands, "command", w.refuseCommand))
	if err != nil {
		return fmt.Errorf("subscribe to commands: %w", err)
	}
	logins, err := w.cfg.NATS.QueueSubscribe(rootAuth+">", routers, w.take(w.logins, "login", w.refuseLogin))
	if err != nil {
		return errors.Join(fmt.Errorf("subscribe to logins: %w", err), commands.Unsubscribe())
	}
	// What was taken is answered even when ctx is done.
	var working sync.WaitGroup
	finished := make(chan struct{})
	background := context.WithoutCancel(ctx)
	for range w.cfg.Commands {
		working.Go(func() { w.work(background, w.commands, finished, w.command) })
	}
	for range w.cfg.Logins {
		working.Go(func() { w.work(background, w.logins, finished, w.login) })
	}
	<-ctx.Done()
	last, cancel := context.WithTimeout(background, w.cfg.Timeout)
	defer cancel()
	err = drain(last, commands, logins)
	close(finished)
	working.Wait()
	return err
}

// take returns the callback that queues one kind of message, or refuses it.
func (w *Worker) take(queue chan<- *nats.Msg, kind string, refuse func(*nats.Msg)) nats.MsgHandler {
	taken, refused := w.taken.WithLabelValues(kind), w.refused.WithLabelValues(kind)
	return func(msg *nats.Msg) {
		select {
		case queue <- msg:
			taken.Inc()
		default:
			refused.Inc()
			refuse(msg)
		}
	}
}

// work handles messages until finished is closed and the queue is empty.
func (w *Worker) work(ctx context.Context, queue <-chan *nats.Msg, finished <-chan struct{}, handle func(context.Context, *nats.Msg)) {
	one := func(msg *nats.Msg) {
		ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
		defer cancel()
		handle(ctx, msg)
	}
	for {
		select {
		case msg := <-queue:
			one(msg)
		case <-finished:
			for {
				select {
				case msg := <-queue:
					one(msg)
				default:
					return
				}
			}
		}
	}
}

// login answers an edge, which waits.
func (w *Worker) login(ctx context.Context, msg *nats.Msg) {
	w.respond(msg, w.cfg.Login(ctx, msg.Data))
	clear(msg.Data) // credentials
}

func (w *Worker) refuseLogin(msg *nats.Msg) { w.respond(msg, w.cfg.Busy) }

func (w *Worker) respond(msg *nats.Msg, answer []byte) {
	if err := msg.Respond(answer); err != nil {
		w.log.WithError(err).Warn("could not answer a login")
	}
}

// command answers a session by an envelope of its own.
func (w *Worker) command(ctx context.Context, msg *nats.Msg) {
	requester, err := requesterOf(msg)
	if err != nil {
		w.log.WithField("subject", msg.Subject).Warn("a command without a requester")
		return
	}
	o := Order{Requester: requester, Guest: msg.Header.Get(headerGuest) != "", Envelope: msg.Data}
	if answer := w.cfg.Command(ctx, o); answer != nil {
		w.answer(requester, msg, answer)
	}
}

// requesterOf returns the session that has sent a command.
func requesterOf(msg *nats.Msg) (lime.Node, error) {
	text, err := strconv.Unquote(msg.Header.Get(headerRequester))
	if err != nil {
		return lime.Node{}, err
	}
	n, err := lime.ParseNode(text)
	if err == nil && !n.Complete() {
		err = fmt.Errorf("%s: %w", text, lime.ErrAddress)
	}
	return n, err
}

func (w *Worker) refuseCommand(msg *nats.Msg) {
	requester, err := requesterOf(msg)
	if err != nil {
		return
	}
	var h lime.Header
	if _, err := h.Scan(msg.Data); err != nil || !wantsAnswer(&h) {
		return
	}
	p := pending{id: h.ID, kind: h.Kind, method: h.Method}
	server := lime.Node{Identity: lime.Identity{Name: lime.Postmaster, Domain: requester.Domain}}
	w.answer(requester, msg, appendFailure(nil, &p, server, requester, &lime.Reason{
		Code: lime.CodeGeneralError, Description: "Too many commands wait; try again later",
	}))
}

// answer publishes an envelope of the server, one hop on.
func (w *Worker) answer(to lime.Node, msg *nats.Msg, envelope []byte) {
	from, _ := parseReply(msg.Reply)
	subject := appendTo(nil, []byte(to.Domain), []byte(to.Name), []byte(to.Instance), &foldScratch{})
	reply := appendReply(nil, w.prefix, from.hops+1, noReply)
	if err := w.cfg.NATS.PublishRequest(string(subject), string(reply), envelope); err != nil {
		w.log.WithError(err).Warn("could not answer a command")
	}
}

// AskLogin asks any router about a session's credentials, and returns its answer.
// An error matching nats.ErrNoResponders says that there is no router.
func AskLogin(ctx context.Context, nc *nats.Conn, scheme string, question []byte) ([]byte, error) {
	msg, err := nc.RequestWithContext(ctx, authSubject(scheme), question)
	if err != nil {
		return nil, fmt.Errorf("ask a router: %w", err)
	}
	return msg.Data, nil
}
