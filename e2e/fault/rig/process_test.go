package rig

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Scripts stand for an edge: what it does is written down, and no cluster is needed.
const (
	begins = `trap "exit 2" USR1; trap "exit 0" TERM; `
	ready  = `touch ready; `
	works  = `while :; do sleep 0.01; done`
)

// scripted is a process whose lives are scripts, the last of them over and over. It is
// ready while there is a file with that name, which each life has to make anew.
func scripted(t *testing.T, scripts ...string) (p *Process, exits chan Exit) {
	t.Helper()
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	exits = make(chan Exit, 10)
	mark := filepath.Join(dir, "ready")
	p = &Process{
		Name: "edge-1", Sort: "edge", log: log, exited: func(e Exit) { exits <- e },
		command: func() *exec.Cmd {
			if err := os.Remove(mark); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
			cmd := exec.Command("sh", "-c", scripts[0])
			scripts = scripts[min(1, len(scripts)-1):]
			cmd.Dir = dir
			return cmd
		},
		ready: func(context.Context) error {
			_, err := os.Stat(mark)
			return err
		},
	}
	t.Cleanup(func() {
		p.Kill()
		log.Close()
	})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p, exits
}

// isReady waits until the process is ready.
func isReady(t *testing.T, p *Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}

// wantExit wants the next exit to be such a one, whatever it took.
func wantExit(t *testing.T, exits chan Exit, want Exit) {
	t.Helper()
	select {
	case got := <-exits:
		if (got.Took > 0) != (got.Asked != 0) {
			t.Errorf("it took %s to end after signal %d", got.Took, got.Asked)
		}
		got.Took = 0
		want.Process, want.Sort = "edge-1", "edge"
		if got != want {
			t.Errorf("the exit is %+v, want %+v", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatal("there is no exit")
	}
}

// A panic has the status of bad usage, too.
func TestProcessThatPanicsIsStartedAgain(t *testing.T) {
	p, exits := scripted(t, begins+ready+works, "exit 2", begins+ready+works)
	isReady(t, p)
	p.signal(syscall.SIGUSR1)
	wantExit(t, exits, Exit{Status: "exit status 2", Code: 2, Ready: true})
	wantExit(t, exits, Exit{Status: "exit status 2", Code: 2}) // as it begins
	isReady(t, p)
}

func TestProcessThatRefusesItsCommandLineIsNotStartedAgain(t *testing.T) {
	p, exits := scripted(t, "exit 2")
	wantExit(t, exits, Exit{Status: "exit status 2", Code: 2})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Ready(ctx); err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), p.log.Name()) {
		t.Errorf("waiting for it ends with %v; want an error that names its log", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		t.Error("it is to be started again")
	}
}

func TestExitTellsWhatItWasAskedFor(t *testing.T) {
	const within = time.Minute
	for _, tc := range []struct {
		name, script string
		end          func(p *Process) bool
		byItself     bool
		want         Exit
	}{
		{
			"a drain", begins + ready + works,
			func(p *Process) bool { return p.Terminate(within) }, true,
			Exit{Status: "exit status 0", Asked: syscall.SIGTERM},
		},
		{
			"a drain that shows a data race", `trap "exit 66" TERM; ` + ready + works,
			func(p *Process) bool { return p.Terminate(within) }, true,
			Exit{Status: "exit status 66", Code: 66, Asked: syscall.SIGTERM},
		},
		{
			"a drain that hangs", `trap "" TERM; ` + ready + works,
			func(p *Process) bool { return p.Terminate(0) }, false,
			Exit{Status: "signal: killed", Code: -1, Asked: syscall.SIGTERM},
		},
		{
			"a kill", begins + ready + works,
			func(p *Process) bool { p.Kill(); return true }, true,
			Exit{Status: "signal: killed", Code: -1, Asked: syscall.SIGKILL},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, exits := scripted(t, tc.script)
			isReady(t, p)
			if byItself := tc.end(p); byItself != tc.byItself {
				t.Errorf("it has ended by itself: %t", byItself)
			}
			tc.want.Ready = true
			if len(exits) != 1 {
				t.Errorf("when the end returns, %d exits have been told", len(exits))
			}
			wantExit(t, exits, tc.want)
		})
	}
}

func TestDataRaceEndsAProcess(t *testing.T) {
	p, _ := scripted(t, begins+`echo "$GORACE"; `+ready+works)
	isReady(t, p)
	text, err := os.ReadFile(p.log.Name())
	if err != nil || !strings.Contains(string(text), "\nhalt_on_error=1\n") {
		t.Errorf("%v; the log is:\n%s", err, text)
	}
}
