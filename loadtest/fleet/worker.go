package fleet

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/edge/poll"
	"limegrove/internal/command"
	"limegrove/loadtest/client"
	"limegrove/loadtest/protocol"
	"limegrove/loadtest/scenario"
)

// Protocols makes the adapter that a plan names.
type Protocols func(p *Plan) (protocol.Protocol, error)

// Serve is the work of a worker, until its orders end. What it cannot do it reports as well.
func Serve(ctx context.Context, orders io.Reader, reports io.Writer, protocols Protocols) error {
	w := &worker{reports: json.NewEncoder(reports)}
	err := w.serve(ctx, json.NewDecoder(orders), protocols)
	if err != nil {
		w.report(&report{Fault: err.Error()})
	}
	return err
}

// worker is one that has a plan.
type worker struct {
	plan     Plan
	engine   *client.Engine
	scenario scenario.Scenario
	ticker   *client.Ticker

	// Guarded by mu.
	mu      sync.Mutex
	reports *json.Encoder

	// Owned by the loop.
	began    time.Duration
	phase    phase
	course   scenario.Course
	reported time.Duration // when the last progress was
	next     time.Duration // when it is called
}

// phase is how far a worker has come.
type phase uint8

const (
	opening phase = iota
	waiting       // to be told to start
	running
	over
)

func (w *worker) serve(ctx context.Context, orders *json.Decoder, protocols Protocols) (err error) {
	var first order
	if err := orders.Decode(&first); err != nil {
		return fmt.Errorf("read a plan: %w", err)
	}
	if first.Plan == nil {
		return errors.New("there is no plan")
	}
	w.plan = *first.Plan
	if w.plan.Share.Attacks && w.plan.Processor != nil {
		if err := runOnOne(*w.plan.Processor); err != nil {
			return err
		}
	}
	if w.plan.Share.Attacks && w.plan.Modest { // the attack is the servers' burden, and not that of the processors that they share with it
		if err := giveWay(); err != nil {
			return err
		}
	}
	if err := w.prepare(protocols); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	defer w.stopTicking()
	defer cancel()
	var running error
	all.Go(func() {
		running = w.engine.Run(ctx)
		cancel()
	})
	all.Go(w.tick)
	if err := w.engine.Post(w.open); err != nil {
		return err
	}
	for {
		var next order
		switch err := orders.Decode(&next); {
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return running
		case err != nil:
			return fmt.Errorf("read an order: %w", err)
		}
		if next.Start != nil {
			if err := w.engine.Post(func(t *poll.Turn) { w.start(t, *next.Start) }); err != nil {
				return err
			}
		}
	}
}

// prepare makes what the plan needs.
func (w *worker) prepare(protocols Protocols) error {
	p := &w.plan
	say, err := protocols(p)
	if err != nil {
		return err
	}
	if w.scenario, err = scenario.New(p.Scenario, say, p.Load, p.Share); err != nil {
		return err
	}
	// The epoch came as text, without what a change of the clock cannot touch.
	epoch := time.Now()
	epoch = epoch.Add(p.Epoch.Sub(epoch.Round(0)))
	var secure *tls.Config
	if p.TLS {
		secure = &tls.Config{InsecureSkipVerify: true} // a load has nothing to hide
	}
	w.engine, err = client.New(client.Config{
		Protocol: say, Handler: w.scenario, Clients: p.Clients, First: p.Share.First, Epoch: epoch,
		TLS: secure, Compress: p.Compress,
		Server: func(i int) netip.AddrPort { return p.Servers[p.Share.Server(i)] },
		From: func(i int) netip.Addr {
			if len(p.Sources) == 0 {
				return netip.Addr{}
			}
			return p.Sources[i%len(p.Sources)]
		},
	})
	if err != nil {
		return err
	}
	w.scenario.Attach(w.engine)
	w.ticker, err = client.NewTicker()
	return err
}

func (w *worker) report(r *report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// Who does not read reports any more has ended, and will end this worker.
	_ = w.reports.Encode(r)
}

// tick has the loop called whenever the ticker ticks, which it is set for by the loop.
func (w *worker) tick() {
	var pending atomic.Bool
	called := func(t *poll.Turn) {
		pending.Store(false)
		w.called(t)
	}
	for {
		if err := w.ticker.Wait(); err != nil {
			return // it is closed
		}
		if !pending.Swap(true) && w.engine.Post(called) != nil {
			return
		}
	}
}

// How often it is looked whether the scenario is prepared, and progress is told, whatever else there
// is to do.
const (
	lookEvery   = 2 * time.Millisecond
	reportEvery = 250 * time.Millisecond
)

// stopTicking ends tick. There is nothing in a timer that could be lost.
func (w *worker) stopTicking() { _ = w.ticker.Close() }

func (w *worker) open(t *poll.Turn) {
	w.began = w.engine.Now()
	w.engine.Opening.Sooner = func(at time.Duration) {
		if at < w.next {
			w.call(at)
		}
	}
	w.engine.Opening.Start(t, w.plan.Rate, w.plan.AtOnce)
	w.called(t)
}

func (w *worker) start(t *poll.Turn, c scenario.Course) {
	w.course, w.phase = c, running
	w.scenario.Start(t, c)
	w.called(t)
}

// called does what is due by now, and sees to it that it is called again.
func (w *worker) called(t *poll.Turn) {
	now := w.engine.Now()
	next := now + reportEvery
	o := &w.engine.Opening
	o.Tick(t)
	next = min(next, o.Next())
	if w.phase == opening && o.Done() {
		if w.scenario.Prepared() {
			w.phase = waiting
			w.report(&report{Opened: w.opened()})
		} else {
			next = now + lookEvery
		}
	}
	if w.phase == running {
		if next = min(next, w.scenario.Tick(t, now)); now > w.course.End && w.scenario.Done(now) {
			w.phase = over
			w.report(&report{Result: w.scenario.Result()})
		}
	}
	if now-w.reported >= reportEvery {
		w.reported = now
		r := w.scenario.Result()
		w.report(&report{Progress: &Progress{Ready: o.Ready, Failed: o.Failed, Sent: r.Sent * r.Copies, Delivered: r.Delivered}})
	}
	w.call(next)
}

// call has the loop called at a time.
func (w *worker) call(at time.Duration) {
	w.next = at
	// It fails when it is closed, and then there is nothing more to do.
	_ = w.ticker.Set(max(at-w.engine.Now(), time.Microsecond))
}

func (w *worker) opened() *Opened {
	o := &w.engine.Opening
	to := &Opened{Ready: o.Ready, Failed: o.Failed, Retries: o.Retries, From: w.began, Until: o.Last, Delays: o.Delays}
	if o.First != nil {
		to.First = o.First.Error()
	}
	return to
}

// Argument is what makes a program a worker: its first and only argument.
const Argument = "worker"

// IsWorker tells whether this process is to be a worker, by its arguments without its name.
func IsWorker(args []string) bool { return len(args) == 1 && args[0] == Argument }

// Main serves as a worker over the standard input and output, and returns the status of the process. Its
// fault is told by who has started it.
func Main(protocols Protocols) (status int) {
	if err := Serve(context.Background(), os.Stdin, os.Stdout, protocols); err != nil {
		return command.Bad
	}
	return command.Good
}
