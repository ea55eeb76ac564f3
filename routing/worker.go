package routing

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sirupsen/logrus"

	"limegrove/internal/complaint"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// WorkerConfig is what a Worker is made of. NATS, Router, Command and Login are
// required.
type WorkerConfig struct {
	NATS   *nats.Conn      // made by Connect; the Worker does not close it
	Router presence.EdgeID // the incarnation of this router

	Domains []string // that are served: in whose name it speaks

	// Command answers a command with an envelope for its requester, or with nil
	// when it has no answer.
	Command func(ctx context.Context, o Order) []byte

	// Login answers what an edge asks of a session's credentials. Both are the
	// text of package auth's messages.
	Login func(ctx context.Context, question []byte) []byte

	// Guests answers what an edge asks of several guests, a line each, in as many lines; one
	// line is for all of them. Default: guests are asked about one by one.
	Guests func(ctx context.Context, questions []byte) []byte

	// Authority answers what an edge asks of the cluster's authority for certificates. Default: others are asked.
	Authority func(ctx context.Context, question []byte) []byte

	// Presence takes word that an identity's presence may have changed, and does not block.
	// It calls done, soon or late, when those who are to know have been told. It returns
	// false when it takes no more now, and the edge asks again. Default: nobody is told.
	Presence func(e PresenceEvent, done func()) bool

	// Busy is the line that answers a login that finds Backlog full, or has waited too long.
	Busy []byte

	// Schemes are the schemes whose logins are taken. Each has a queue of its own, so
	// that many who bring passwords do not hold up the others. Default guest and
	// plain.
	Schemes []string

	// Commands is how many commands are worked on at once, a quarter of them, or two, of one identity,
	// so that there are workers for others while what one has asked for takes long. Logins is
	// how many logins of each scheme. Passwords have a bound of their own for what costs a processor, so that
	// most of those wait for a look-up or there. Defaults: 16, and 64 for each processor up to 1,024.
	Commands, Logins int

	// Backlog bounds how many of each kind wait. What finds it full is refused: a
	// command by a failure response, a login by Busy. Default 2048.
	Backlog int

	// Share bounds how many commands of one identity wait, which have their turns with
	// those of others. What finds it full is refused likewise. Default a quarter of Backlog.
	Share int

	// Patience bounds how long a command waits, and LoginPatience a login. What has waited
	// longer is refused instead of worked on: whoever waits for it has given up, or will
	// have. An edge asks another router, too, when it has heard nothing of a login for
	// loginPatience. Defaults 10s and 1.5s.
	Patience, LoginPatience time.Duration

	// Timeout bounds the work on one. Default 5s.
	Timeout time.Duration

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Worker is a router's part of routing: it takes commands and logins from the
// queue group of all routers. A worker keeps nothing of its own.
type Worker struct {
	cfg    WorkerConfig
	log    logrus.FieldLogger
	warn   complaint.Log
	prefix string
	jobs   []*job
}

// job is a kind of work: its queue, and what is done.
type job struct {
	kind     string // command, the scheme of a login, or kindGuests
	subject  string
	workers  int
	patience time.Duration
	share    int                    // how many of one may wait; 0: as many as of all
	each     int                    // how many of one are worked on at once; 0: as many as there are workers
	who      func(*nats.Msg) string // whose a message is; nil: they have no turns
	queue    *queue
	handle   func(context.Context, *nats.Msg)
	refuse   func(*nats.Msg)
	taken    prometheus.Counter
	refused  prometheus.Counter
}

// routers is the queue group of all routers.
const routers = "routers"

// kindGuests are logins of several guests in one message.
const kindGuests = "guests"

// kindCertificates are questions of edges for the authority.
const kindCertificates = "certificates"

// NewWorker makes a worker. It takes nothing before Run.
func NewWorker(cfg WorkerConfig) *Worker {
	if cfg.Commands <= 0 {
		cfg.Commands = 16
	}
	if cfg.Logins <= 0 {
		cfg.Logins = min(64*runtime.GOMAXPROCS(0), 1024)
	}
	if cfg.Backlog <= 0 {
		cfg.Backlog = 2048
	}
	if cfg.Share <= 0 {
		cfg.Share = max(cfg.Backlog/4, 1)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 10 * time.Second
	}
	if cfg.LoginPatience <= 0 {
		cfg.LoginPatience = loginPatience * 3 / 4
	}
	if cfg.Schemes == nil {
		cfg.Schemes = []string{"guest", "plain"}
	}
	w := &Worker{cfg: cfg, log: logger(cfg.Logger), prefix: subject.ReplyPrefix(cfg.Router)}
	w.warn.Logger = w.log
	w.jobs = []*job{{
		kind: "command", subject: subject.Commands, workers: cfg.Commands, patience: cfg.Patience,
		share: cfg.Share, each: max(cfg.Commands/4, 2), who: asker,
		handle: w.command, refuse: w.refuseCommand,
	}}
	for _, scheme := range cfg.Schemes {
		w.jobs = append(w.jobs, &job{
			kind: scheme, subject: subject.Auth(scheme), workers: cfg.Logins, patience: cfg.LoginPatience,
			handle: w.login, refuse: w.refuseLogin,
		})
	}
	if cfg.Guests != nil {
		w.jobs = append(w.jobs, &job{
			kind: kindGuests, subject: subject.Guests, workers: cfg.Logins, patience: cfg.LoginPatience,
			handle: w.guests, refuse: w.refuseLogin,
		})
	}
	if cfg.Authority != nil {
		w.jobs = append(w.jobs, &job{
			kind: kindCertificates, subject: subject.Auth(kindCertificates), workers: cfg.Commands, patience: cfg.LoginPatience,
			handle: w.authority, refuse: w.refuseLogin,
		})
	}
	f := promauto.With(cfg.Metrics)
	taken := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_router_taken_total", Help: "Commands and logins taken, by kind: command, the login's scheme, or " + kindGuests + " for several at once.",
	}, []string{"kind"})
	refused := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_router_refused_total", Help: "Commands and logins refused because too many wait, by kind: command, the login's scheme, or " + kindGuests + " for several at once.",
	}, []string{"kind"})
	for _, j := range w.jobs {
		if j.share <= 0 {
			j.share = cfg.Backlog
		}
		j.queue = newQueue(cfg.Backlog, j.share, j.each, j.who)
		j.taken, j.refused = taken.WithLabelValues(j.kind), refused.WithLabelValues(j.kind)
		f.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "limegrove_router_waiting", Help: "Commands and logins that wait, by kind: command, the login's scheme, or " + kindGuests + " for several at once.",
			ConstLabels: prometheus.Labels{"kind": j.kind},
		}, func() float64 { return float64(j.queue.len()) })
	}
	return w
}

// Run takes commands and logins until ctx is done, and finishes what it has taken.
func (w *Worker) Run(ctx context.Context) error {
	var subscriptions []*nats.Subscription
	for _, j := range w.jobs {
		s, err := w.cfg.NATS.QueueSubscribe(j.subject, routers, j.take)
		if err != nil {
			err = fmt.Errorf("subscribe to %s: %w", j.subject, err)
			for _, s := range subscriptions {
				err = errors.Join(err, s.Unsubscribe())
			}
			return err
		}
		subscriptions = append(subscriptions, s)
	}
	if w.cfg.Presence != nil {
		s, err := w.cfg.NATS.QueueSubscribe(subject.Presences, routers, w.presence)
		if err != nil {
			err = fmt.Errorf("subscribe to %s: %w", subject.Presences, err)
			for _, s := range subscriptions {
				err = errors.Join(err, s.Unsubscribe())
			}
			return err
		}
		subscriptions = append(subscriptions, s)
	}
	// What was taken is answered even when ctx is done.
	var working sync.WaitGroup
	finished := make(chan struct{})
	background := context.WithoutCancel(ctx)
	for _, j := range w.jobs {
		for range j.workers {
			working.Go(func() { w.work(background, j, finished) })
		}
	}
	<-ctx.Done()
	last, cancel := context.WithTimeout(background, w.cfg.Timeout)
	defer cancel()
	err := drain(last, subscriptions...)
	close(finished)
	working.Wait()
	return err
}

// take queues a message, or refuses it.
func (j *job) take(msg *nats.Msg) {
	if j.queue.put(msg) {
		j.taken.Inc()
		return
	}
	j.refused.Inc()
	j.refuse(msg)
}

// work handles messages until finished is closed and the queue is empty.
func (w *Worker) work(ctx context.Context, j *job, finished <-chan struct{}) {
	one := func() {
		next := j.queue.next()
		defer j.queue.done(next)
		if time.Since(next.since) > j.patience {
			j.refused.Inc()
			j.refuse(next.msg)
			return
		}
		ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
		defer cancel()
		j.handle(ctx, next.msg)
	}
	for {
		select {
		case <-j.queue.waits:
			one()
		case <-finished:
			for {
				select {
				case <-j.queue.waits:
					one()
				default:
					return
				}
			}
		}
	}
}
