package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDrainedEdgeFinishesItsSessions: L-FIN-05.
func TestDrainedEdgeFinishesItsSessions(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	js := limeJS(t)
	stays, drained := c.edges[0], c.edges[1]
	home := guest(t, js, stays, "ana/home")
	leaving := []*session{
		guest(t, js, drained, "ana/work"),
		guest(t, goLibrary, drained, "ana/phone"),
	}
	home.wantInstances("all see all", patience, "home", "phone", "work")

	drained.signal(t, syscall.SIGTERM)
	for _, one := range leaving {
		one.wantEnd("the edge drains", "finished")
	}
	home.wantInstances("those who were finished are gone, and no lease is awaited", withinPromise/2, "home")
	if status := drained.wantExit(t, patience); status.ExitStatus() != 0 {
		t.Errorf("the drained edge ended with %v", drained.cmd.ProcessState)
	}
	drained.wantTold(t, "why it drains", `msg=draining cause="signal: terminated"`, 1, 1)
	home.wantNothingElse("a session on the other edge notices nothing")
}

func TestDrainedRouterEndsWell(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1)
	c.router.signal(t, syscall.SIGTERM)
	if status := c.router.wantExit(t, patience); status.ExitStatus() != 0 {
		t.Errorf("the router ended with %v", c.router.cmd.ProcessState)
	}
	c.router.wantTold(t, "why it drains", `msg=draining cause="signal: terminated"`, 1, 1)
}

// TestSecondSignalEndsAtOnce drains an edge that waits for a client which does not
// answer the Close frame, and loses patience.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1)
	stubborn := guest(t, goLibrary, c.edges[0], "ana/home")
	halfOpen := dialRaw(t, c.edges[0])

	c.edges[0].signal(t, syscall.SIGTERM)
	stubborn.wantEnd("the drain has begun", "finished")
	halfOpen.wantClose()
	c.edges[0].signal(t, syscall.SIGTERM)
	status := c.edges[0].wantExit(t, 15*time.Second) // a drain would take 25
	if status.ExitStatus() != 1 {
		t.Errorf("the edge ended with %v, not with 1", c.edges[0].cmd.ProcessState)
	}
}

func TestBadUsageIsToldInOneLine(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, program, flag string
		args                []string
	}{
		{"an edge with an unknown scheme", edgeProgram, "-auth", []string{"-auth", "guess"}},
		{"an edge with a wrong address", edgeProgram, "-listen", []string{"-listen", "nowhere"}},
		{"an edge with an unknown flag", edgeProgram, "-nonsense", []string{"-nonsense"}},
		{"a router without NATS", routerProgram, "-nats", nil},
		{"a router with a bad key", routerProgram, "-gossip-key", []string{"-nats", "nats://x", "-redis", "redis://x", "-gossip-key", "x"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, c.name, t.TempDir(), c.program, c.args...)
			if status := p.wantExit(t, patience); status.ExitStatus() != 2 {
				t.Errorf("exit status %d, not 2", status.ExitStatus())
			}
			said := string(p.output.tail())
			if !strings.Contains(said, c.flag) || strings.Count(said, "\n") != 1 {
				t.Errorf("it does not say in one line what is wrong with %s:\n%s", c.flag, said)
			}
		})
	}
}
