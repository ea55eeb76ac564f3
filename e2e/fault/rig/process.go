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
	"limegrove/internal/jobcontrol"
)

// poll is the time between two looks, and reply what an answer of a broker may take.
const (
	poll  = 50 * time.Millisecond
	reply = 2 * time.Second
)

// Process is one of the cluster's, over all its restarts.
type Process struct {
	// Name is such as edge-1.
	Name string
	// Sort is such as edge.
	Sort string
	// Host is its address.
	Host string

	// Set by the rig and not changed.
	command func() *exec.Cmd
	ready   func(ctx context.Context) error
	log     *os.File
	exited  func(Exit)
	once    bool // it is not started again when it has ended by itself

	mu     sync.Mutex
	life   *life       // the newest; nil before the first start
	wanted bool        // nobody has ended it
	proven bool        // it was ready in some life, so that its command line is right
	misled bool        // it has refused its command line
	timer  *time.Timer // a revival; nil without
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
	cmd.Env = append(cmd.Environ(), programs.RaceStops)
	cmd.SysProcAttr = programs.Attributes()
	p.note("started")
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.life = &life{cmd: cmd, ended: make(chan struct{})}
	go p.wait(p.life)
	return nil
}

// runsLocked wants the lock held.
func (p *Process) runsLocked() bool {
	if p.life == nil {
		return false
	}
	select {
	case <-p.life.ended:
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
	l := p.life
	if l.asked == 0 {
		l.asked, l.at = s, time.Now()
	}
	p.note("sent " + s.String())
	_ = l.cmd.Process.Signal(s) // it may have ended already
	p.mu.Unlock()
	if s != syscall.SIGKILL {
		select {
		case <-l.ended:
			return true
		case <-time.After(within):
			p.note("killed, because it has not ended")
			_ = l.cmd.Process.Kill() // likewise
		}
	}
	<-l.ended
	return s == syscall.SIGKILL
}

// Pause makes the process stand still: its connections stay, and nothing is answered from
// when Pause returns.
func (p *Process) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runsLocked() {
		p.note("stopped")
		_ = jobcontrol.Stop(p.life.cmd.Process) // it may have ended already
	}
}

// Resume ends a Pause.
func (p *Process) Resume() { p.signal(syscall.SIGCONT) }

func (p *Process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runsLocked() {
		p.note("sent " + s.String())
		_ = p.life.cmd.Process.Signal(s) // it may have ended already
	}
}

// Ready waits until the process can do its work.
func (p *Process) Ready(ctx context.Context) error {
	for {
		p.mu.Lock()
		l, misled := p.life, p.misled
		p.mu.Unlock()
		if misled {
			return fmt.Errorf("%s has refused its command line, or panicked at once: see %s", p.Name, p.log.Name())
		}
		err := p.look(ctx, l)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.Name, err)
		case <-time.After(poll):
		}
	}
}

// note writes a line of ours into the process's log.
func (p *Process) note(what string) {
	// A log that cannot be written harms no run.
	_, _ = fmt.Fprintf(p.log, "=== %s %s: %s\n", time.Now().Format("15:04:05.000"), p.Name, what)
}
