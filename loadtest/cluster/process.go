package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"limegrove/e2e/programs"
	"limegrove/loadtest/usage"
)

// Process is one of the cluster's.
type Process struct {
	Name string
	Host string // its address
	// processors is on how many it may run Go code at once; 0 for as many as there are.
	processors int

	cmd    *exec.Cmd
	log    string // the path of what it prints
	exited chan struct{}
}

// Start starts a program whose output goes to a file in a folder.
func (p *Process) Start(dir, program string, args ...string) error {
	p.log = filepath.Join(dir, p.Name+".log")
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("open a log: %w", err)
	}
	defer log.Close()
	p.cmd = exec.Command(program, args...) // ended by Kill
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.SysProcAttr = programs.Attributes()
	if p.processors > 0 {
		p.cmd.Env = append(p.cmd.Environ(), "GOMAXPROCS="+strconv.Itoa(p.processors))
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.exited = make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // the status is in its state
		close(p.exited)
	}()
	return nil
}

// Ready waits until check holds.
func (p *Process) Ready(ctx context.Context, check func(context.Context) error) error {
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready, see %s: %w", p.Name, p.log, err)
		case <-p.exited:
			return fmt.Errorf("%s has ended (%s), see %s", p.Name, p.cmd.ProcessState, p.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Kill ends the process, and waits for its end.
func (p *Process) Kill() {
	if p.exited == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.exited
}

// Terminate asks the process to end, and tells its status once it has; an error when it has not within a time, and was
// killed.
func (p *Process) Terminate(within time.Duration) (status int, err error) {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("terminate %s: %w", p.Name, err)
	}
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(within):
		p.Kill()
		return 0, fmt.Errorf("%s has not ended within %s, see %s", p.Name, within, p.log)
	}
}

// CPU is that of usage.Process. It goes on telling it of a process that has ended.
func (p *Process) CPU() (time.Duration, error) {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
	default:
	}
	cpu, err := p.pid().CPU()
	if err != nil {
		err = fmt.Errorf("%s: %w", p.Name, err)
	}
	return cpu, err
}

// Resident is that of usage.Process.
func (p *Process) Resident() (int64, error) {
	select {
	case <-p.exited:
		return 0, nil
	default:
	}
	resident, err := p.pid().Resident()
	if err != nil {
		err = fmt.Errorf("%s: %w", p.Name, err)
	}
	return resident, err
}

func (p *Process) pid() usage.PID { return usage.PID(p.PID()) }

// PID is its number.
func (p *Process) PID() int { return p.cmd.Process.Pid }
