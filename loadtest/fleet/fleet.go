package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"limegrove/e2e/programs"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/usage"
)

// Fleet is workers that run. Close ends them.
type Fleet struct {
	members []*member
	reading sync.WaitGroup
	failed  chan error    // from each worker that fails, or ends too early
	turns   chan struct{} // one for each worker that may have its plan
	closing sync.Once
	closed  chan struct{}

	mu       sync.Mutex
	progress []Progress // of each, the last
}

// member is one worker, as seen from here.
type member struct {
	cmd    *exec.Cmd
	orders io.WriteCloser
	opened chan *Opened
	result chan *scenario.Result
}

// Start starts a worker for each plan, with a command that makes this program one. Of some plans only
// so many are under way at a time, until their clients are open; the others' follow.
func Start(command func() *exec.Cmd, plans []Plan) (*Fleet, error) {
	f := &Fleet{progress: make([]Progress, len(plans)), failed: make(chan error, 2*len(plans))}
	f.turns, f.closed = make(chan struct{}, 2*len(plans)), make(chan struct{})
	for i := range plans {
		m, reports, err := launch(command())
		if err != nil {
			f.Close()
			return nil, err
		}
		f.members = append(f.members, m)
		f.reading.Go(func() {
			if err := f.read(i, m, json.NewDecoder(reports)); err != nil {
				f.failed <- fmt.Errorf("worker %d: %w", i, err)
			}
		})
		if opening := plans[i].Opening; opening == 0 || i < opening {
			f.turns <- struct{}{}
		}
	}
	f.reading.Go(func() { f.plan(plans) })
	return f, nil
}

// plan gives each worker its plan when it is its turn, until there are no more or the fleet is closed.
func (f *Fleet) plan(plans []Plan) {
	for i, m := range f.members {
		select {
		case <-f.turns:
		case <-f.closed:
			return
		}
		if err := m.tell(&order{Plan: &plans[i]}); err != nil {
			f.failed <- err
			return
		}
	}
}

func launch(cmd *exec.Cmd) (m *member, reports io.Reader, err error) {
	m = &member{cmd: cmd, opened: make(chan *Opened, 1), result: make(chan *scenario.Result, 1)}
	if m.orders, err = cmd.StdinPipe(); err != nil {
		return nil, nil, err
	}
	if reports, err = cmd.StdoutPipe(); err != nil {
		return nil, nil, err
	}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = programs.Attributes()
	// One loop has one goroutine: what more processors would do is to look for others.
	cmd.Env = append(cmd.Environ(), "GOMAXPROCS=1")
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start a worker: %w", err)
	}
	return m, reports, nil
}

func (m *member) tell(o *order) error {
	if err := json.NewEncoder(m.orders).Encode(o); err != nil {
		return fmt.Errorf("tell a worker: %w", err)
	}
	return nil
}

// read reads what a worker reports, until it ends.
func (f *Fleet) read(i int, m *member, reports *json.Decoder) error {
	for {
		var r report
		switch err := reports.Decode(&r); {
		case errors.Is(err, io.EOF):
			return errors.New("it has ended")
		case err != nil:
			return fmt.Errorf("read a report: %w", err)
		}
		switch {
		case r.Fault != "":
			return errors.New(r.Fault)
		case r.Progress != nil:
			f.mu.Lock()
			f.progress[i] = *r.Progress
			f.mu.Unlock()
		case r.Opened != nil:
			m.opened <- r.Opened
			f.turns <- struct{}{}
		case r.Result != nil:
			m.result <- r.Result
		}
	}
}

// Progress is how far all have come, a moment ago.
func (f *Fleet) Progress() Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all Progress
	for i := range f.progress {
		all.add(&f.progress[i])
	}
	return all
}

// Opened waits until all clients are in session, or were given up.
func (f *Fleet) Opened(ctx context.Context) (*Opened, error) {
	var all Opened
	for _, m := range f.members {
		select {
		case o := <-m.opened:
			all.add(o)
		case err := <-f.failed:
			return nil, err
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for sessions: %w", ctx.Err())
		}
	}
	return &all, nil
}

// Begin has all workers begin.
func (f *Fleet) Begin(c scenario.Course) error {
	for _, m := range f.members {
		if err := m.tell(&order{Start: &c}); err != nil {
			return err
		}
	}
	return nil
}

// Result waits until all is over.
func (f *Fleet) Result(ctx context.Context) (*scenario.Result, error) {
	var all scenario.Result
	for _, m := range f.members {
		select {
		case r := <-m.result:
			all.Add(r)
		case err := <-f.failed:
			return nil, err
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for results: %w", ctx.Err())
		}
	}
	return &all, nil
}

// Processes are the workers.
func (f *Fleet) Processes() []usage.Process {
	var all []usage.Process
	for _, m := range f.members {
		all = append(all, usage.PID(m.cmd.Process.Pid))
	}
	return all
}

// farewell is what a worker may take to close its clients.
const farewell = 20 * time.Second

// Close ends all workers.
func (f *Fleet) Close() {
	f.closing.Do(func() { close(f.closed) })
	for _, m := range f.members {
		_ = m.orders.Close() // a worker that is gone needs no telling
	}
	late := time.AfterFunc(farewell, func() {
		for _, m := range f.members {
			_ = m.cmd.Process.Kill()
		}
	})
	defer late.Stop()
	f.reading.Wait()
	for _, m := range slices.Backward(f.members) {
		_ = m.cmd.Wait() // what was wrong with it, it has reported
	}
}
