package rig

import (
	"context"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// badUsage is the status of edges and routers that refuse their command line, and of all
// Go programs that panic.
const badUsage = 2

// revival is the time until a process that has ended by itself is started again.
const revival = time.Second

// life is one run of a process.
type life struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it is over, and told

	// Guarded by the process's mu.
	ready bool           // it was, at some time
	asked syscall.Signal // the first that was to end it; 0 for none
	at    time.Time      // when it was sent that
}

// Exit is the end of one run of a process.
type Exit struct {
	Process, Sort string
	Status        string // in words
	Code          int    // the same as a number; -1 by a signal
	// Ready tells that it could do its work at some time.
	Ready bool
	// Asked is the signal that was to end it, SIGTERM or SIGKILL; 0 when it has ended by
	// itself. Took is from that to the end.
	Asked syscall.Signal
	Took  time.Duration
}

// wait waits for the end of one life, and sees to another one if nobody wanted it.
func (p *Process) wait(l *life) {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { p.watch(ctx, l) })
	_ = l.cmd.Wait() // the status is in its state
	cancel()
	watching.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	defer close(l.ended) // whoever has ended it goes on when it is told
	state := l.cmd.ProcessState
	e := Exit{Process: p.Name, Sort: p.Sort, Status: state.String(), Code: state.ExitCode(), Ready: l.ready, Asked: l.asked}
	if l.asked != 0 {
		e.Took = time.Since(l.at)
	}
	p.note(e.Status)
	p.exited(e)
	if !p.wanted {
		return
	}
	if p.misled = e.Code == badUsage && !p.proven; p.misled || p.once {
		return // it would again, or lack what it was told after its start
	}
	p.timer = time.AfterFunc(revival, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.wanted {
			if err := p.startLocked(); err != nil {
				p.note(err.Error())
			}
		}
	})
}

// watch sees when the process is ready for the first time in a life.
func (p *Process) watch(ctx context.Context, l *life) {
	for p.look(ctx, l) != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(poll):
		}
	}
}

// look tells whether the process is ready, and notes that it was.
func (p *Process) look(ctx context.Context, l *life) error {
	err := p.ready(ctx)
	if err == nil && l != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		l.ready, p.proven = true, true
	}
	return err
}
