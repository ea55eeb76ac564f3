package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"limegrove/e2e/programs"
)

// process is one of the cluster's.
type process struct {
	name string
	host string // its address
	// processors is on how many it may run Go code at once; 0 for as many as there are.
	processors int

	cmd    *exec.Cmd
	log    string // the path of what it prints
	exited chan struct{}
}

// start starts a program whose output goes to a file in a folder.
func (p *process) start(dir, program string, args ...string) error {
	p.log = filepath.Join(dir, p.name+".log")
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("open a log: %w", err)
	}
	defer log.Close()
	p.cmd = exec.Command(program, args...) //nolint:gosec,noctx // our own programs, ended by kill
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.SysProcAttr = programs.Attributes()
	if p.processors > 0 {
		p.cmd.Env = append(p.cmd.Environ(), "GOMAXPROCS="+strconv.Itoa(p.processors))
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.exited = make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // the status is in its state
		close(p.exited)
	}()
	return nil
}

// ready waits until check holds.
func (p *process) ready(ctx context.Context, check func(context.Context) error) error {
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready, see %s: %w", p.name, p.log, err)
		case <-p.exited:
			return fmt.Errorf("%s has ended (%s), see %s", p.name, p.cmd.ProcessState, p.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// kill ends the process, and waits for its end.
func (p *process) kill() {
	if p.exited == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.exited
}

// tick is the unit of times in /proc, which Linux has fixed for programs.
const tick = 10 * time.Millisecond

// cpu is the processor time that the process has used: proc_pid_stat(5), fields 14
// and 15.
func (p *process) cpu() (time.Duration, error) {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
	default:
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("processor time of %s: %w", p.name, err)
	}
	// The second field is a name in parentheses, which may hold anything.
	rest := string(text)
	fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("processor time of %s: %q", p.name, text)
	}
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, errors.Join(errUser, errSystem)
}

// resident is the memory that the process has, in bytes: Rss of proc_pid_smaps(5).
func (p *process) resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("memory of %s: %w", p.name, err)
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &kilobytes); err == nil {
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("memory of %s: no Rss in %q", p.name, text)
}

// ownCPU is the processor time that this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
