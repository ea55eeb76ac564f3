package e2e

import (
	"bytes"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"limegrove/e2e/programs"
)

const (
	loopback = "127.0.0.1"
	patience = time.Minute // for whatever a busy machine may be slow at
	interval = 10 * time.Millisecond
)

// process is a program that was started by a test, and ends with it.
type process struct {
	name   string
	cmd    *exec.Cmd
	output *transcript
	exited chan struct{} // closed when cmd has its exit status
}

// startProcess starts a program in a folder. What it prints is shown if the test
// fails.
func startProcess(t testing.TB, name, dir, program string, args ...string) *process {
	t.Helper()
	return startProcessIn(t, nil, name, dir, program, args...)
}

// startProcessIn is startProcess with more in the environment.
func startProcessIn(t testing.TB, env []string, name, dir, program string, args ...string) *process {
	t.Helper()
	p := &process{name: name, output: newTranscript(), exited: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	p.cmd.Dir, p.cmd.Env = dir, slices.Concat(os.Environ(), []string{programs.RaceStops}, env)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	endWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // the status is in cmd.ProcessState
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s (%s) printed:\n%s", name, p.cmd.ProcessState, p.output.tail())
		}
	})
	return p
}

// kill ends the process at once, as a crash would, and waits for its end. It may be
// called twice.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.exited
}

func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("send %s to %s: %v", s, p.name, err)
	}
}

// wantExit waits for the end of the process and returns its status.
func (p *process) wantExit(t testing.TB, within time.Duration) syscall.WaitStatus {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(within):
		t.Fatalf("%s has not ended within %s", p.name, within)
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		t.Fatalf("%s has a status of another system: %v", p.name, p.cmd.ProcessState)
	}
	return status
}

// wantPrinted waits until the process has printed what pattern matches, and returns
// the match's groups.
func (p *process) wantPrinted(t testing.TB, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(patience)
	for ended := false; ; {
		text, more := p.output.read()
		if match := re.FindSubmatch(text); match != nil {
			groups := make([]string, len(match))
			for i, g := range match {
				groups[i] = string(g)
			}
			return groups
		}
		if ended {
			t.Fatalf("%s has ended before it printed %q", p.name, pattern)
		}
		select {
		case <-more:
		case <-p.exited:
			ended = true // and may have printed it before that
		case <-late:
			t.Fatalf("%s has not printed %q within %s", p.name, pattern, patience)
		}
	}
}

// transcript is what a process prints.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed and replaced with every write
}

func newTranscript() *transcript { return &transcript{more: make(chan struct{})} }

// Write borrows b.
func (o *transcript) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(b)
}

// read returns a copy of all that was printed, and what is closed when there is more.
func (o *transcript) read() (text []byte, more <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.text.Bytes()), o.more
}

// tail returns the end of what was printed.
func (o *transcript) tail() []byte {
	const enough = 16 << 10
	text, _ := o.read()
	return text[max(0, len(text)-enough):]
}

// freePorts returns the first of n ports in a row that nobody listens on, nor was given
// before. They are below those that the system gives to outgoing connections, so that none of
// these takes one before it is used.
func freePorts(t testing.TB, n int) int {
	t.Helper()
	const first, last = 20_000, 32_000
	given.Lock()
	defer given.Unlock()
	for range 1000 {
		port := first + rand.IntN(last-first)
		free := true
		for i := range n {
			free = free && !given.ports[port+i] && isFree(port+i)
		}
		if free {
			for i := range n {
				given.ports[port+i] = true
			}
			return port
		}
	}
	t.Fatalf("no %d ports in a row are free", n)
	return 0
}

// given are the ports that tests have, which may not listen on them yet.
var given = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

func isFree(port int) bool {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// eventually tries until try returns nil, and returns how long that took. It fails
// the test with its last error when that is too long.
func eventually(t testing.TB, what string, within time.Duration, try func() error) time.Duration {
	t.Helper()
	began := time.Now()
	late := time.After(within)
	for {
		err := try()
		if err == nil {
			return time.Since(began)
		}
		select {
		case <-late:
			t.Fatalf("%s: not within %s: %v", what, within, err)
		case <-time.After(interval):
		}
	}
}
