package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"limegrove/e2e/programs"
)

// badUsage is the status of edges and routers that refuse their command line.
const badUsage = 2

// poll is the time between two looks, and reply what an answer of a broker may take.
const (
	poll  = 50 * time.Millisecond
	reply = 2 * time.Second
)

// revival is the time until a process that has ended by itself is started again.
const revival = time.Second

// Process is one of the cluster's, over all its restarts.
type Process struct {
	// Name is such as edge-1.
	Name string
	// Host is its address.
	Host string

	// Set by the rig and not changed.
	command func() *exec.Cmd
	ready   func(ctx context.Context) error
	log     *os.File
	exited  func(process, status string)
	once    bool // it is not started again when it has ended by itself

	mu     sync.Mutex
	cmd    *exec.Cmd     // nil before the first start
	ended  chan struct{} // closed when cmd has ended
	wanted bool          // nobody has ended it
	misled bool          // it has refused its command line
	timer  *time.Timer   // a revival; nil without
}

// Start starts the process unless it runs.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = true
	return p.startLocked()
}

func (p *Process) startLocked() error {
	if p.runsLocked() {
		return nil
	}
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = programs.Attributes()
	p.note("started")
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	ended := make(chan struct{})
	p.cmd, p.ended = cmd, ended
	go p.wait(cmd, ended)
	return nil
}

// wait waits for the end of one run, and sees to another one if nobody wanted it.
func (p *Process) wait(cmd *exec.Cmd, ended chan struct{}) {
	_ = cmd.Wait() // the status is in its state
	p.mu.Lock()
	defer p.mu.Unlock()
	close(ended)
	p.note(cmd.ProcessState.String())
	if !p.wanted {
		return
	}
	p.exited(p.Name, cmd.ProcessState.String())
	if p.misled = cmd.ProcessState.ExitCode() == badUsage; p.misled || p.once {
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

// runsLocked wants the lock held.
func (p *Process) runsLocked() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Kill ends the process as a crash would, and waits for its end.
func (p *Process) Kill() { p.end(syscall.SIGKILL, 0) }

// Terminate asks the process to end, and kills it when it has not within a time. It
// tells whether it ended by itself.
func (p *Process) Terminate(within time.Duration) bool { return p.end(syscall.SIGTERM, within) }

func (p *Process) end(s syscall.Signal, within time.Duration) bool {
	p.mu.Lock()
	p.wanted = false
	if p.timer != nil {
		p.timer.Stop()
	}
	if !p.runsLocked() {
		p.mu.Unlock()
		return true
	}
	cmd, ended := p.cmd, p.ended
	p.mu.Unlock()
	p.note("sent " + s.String())
	_ = cmd.Process.Signal(s) // it may have ended already
	if s != syscall.SIGKILL {
		select {
		case <-ended:
			return true
		case <-time.After(within):
			p.note("killed, because it has not ended")
			_ = cmd.Process.Kill() // likewise
		}
	}
	<-ended
	return s == syscall.SIGKILL
}

// Pause makes the process stand still: its connections stay, and nothing is answered.
func (p *Process) Pause() { p.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (p *Process) Resume() { p.signal(syscall.SIGCONT) }

func (p *Process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runsLocked() {
		p.note("sent " + s.String())
		_ = p.cmd.Process.Signal(s) // it may have ended already
	}
}

// Ready waits until the process can do its work.
func (p *Process) Ready(ctx context.Context) error {
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		if p.isMisled() {
			return fmt.Errorf("%s has refused its command line: see %s", p.Name, p.log.Name())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.Name, err)
		case <-time.After(poll):
		}
	}
}

func (p *Process) isMisled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.misled
}

// note writes a line of ours into the process's log.
func (p *Process) note(what string) {
	// A log that cannot be written harms no run.
	_, _ = fmt.Fprintf(p.log, "=== %s %s: %s\n", time.Now().Format("15:04:05.000"), p.Name, what)
}
