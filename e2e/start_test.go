package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"limegrove/internal/redistest"
)

// waiting is what a process says, once, while JetStream cannot answer.
const waiting = `JetStream cannot answer; waiting for the log and the inbox`

// TestStartBeforeJetStreamHasALeader: one of three servers is there. A router and an edge
// wait, another edge is told to end meanwhile, and both work when the rest has come.
func TestStartBeforeJetStreamHasALeader(t *testing.T) {
	t.Parallel()
	brokers := natsCluster(t)
	brokers[0].start(t)
	port := freePorts(t, 4)
	c := &cluster{broker: brokers[0].url, settings: []string{"-replicas", "3"}, redis: redistest.Start(t), gossip: address(port)}
	start := func(name, program string, flags ...string) *process {
		return startProcess(t, name, t.TempDir(), program, c.shared(name, flags...)...)
	}
	router := start("router", routerProgram, "-gossip", c.gossip, "-admin", address(port+1))
	edge := start("edge", edgeProgram, "-gossip", address(0), "-join", c.gossip, "-listen", address(0), "-admin", address(port+2))
	ended := start("ended", edgeProgram, "-gossip", address(0), "-listen", address(0), "-admin", address(port+3))
	all := map[*process]string{router: address(port + 1), edge: address(port + 2), ended: address(port + 3)}
	for p, admin := range all {
		p.wantPrinted(t, waiting)
		if _, err := page(t.Context(), admin, "/healthz"); err != nil {
			t.Errorf("%s waits: %v", p.name, err)
		}
		if _, err := page(t.Context(), admin, "/status.json"); err != nil {
			t.Errorf("%s waits: %v", p.name, err)
		}
		if _, err := page(t.Context(), admin, "/readyz"); err == nil || !strings.Contains(err.Error(), waiting) {
			t.Errorf("%s waits, and is not ready because of %v", p.name, err)
		}
	}

	ended.signal(t, syscall.SIGTERM)
	if status := ended.wantExit(t, patience); status.ExitStatus() != 0 {
		t.Errorf("what was told to end while it waited ended with %v", ended.cmd.ProcessState)
	}
	brokers[1].start(t)
	brokers[2].start(t)
	delete(all, ended)
	for p, admin := range all {
		eventually(t, p.name+" is ready", patience, func() error {
			select {
			case <-p.exited:
				return fmt.Errorf("it has ended: %v", p.cmd.ProcessState)
			default:
			}
			_, err := page(t.Context(), admin, "/readyz")
			return err
		})
		text, _ := p.output.read()
		if n := len(regexp.MustCompile(waiting).FindAll(text, -1)); n != 1 {
			t.Errorf("%s has said %d times that it waits", p.name, n)
		}
	}
	ana := arrive(t, newEdge(t, edge), "ana@localhost/home", "") // a leader may be new once more
	ana.wantWritten("a message that is stored", ana.Node().String(), "note to self", 0)
	ana.wantRead("it comes", "note to self")
}

// TestStartWithoutJetStreamEnds, at once and with one line: to wait would not help.
func TestStartWithoutJetStreamEnds(t *testing.T) {
	t.Parallel()
	port, dir := freePorts(t, 1), t.TempDir()
	startProcess(t, "nats-server", dir, natsProgram, "-a", loopback, "-p", strconv.Itoa(port)).wantPrinted(t, "Server is ready")
	c := &cluster{broker: "nats://" + address(port), redis: redistest.Start(t)}
	for name, program := range map[string]string{"edge": edgeProgram, "router": routerProgram} {
		args := c.shared(name, "-gossip", address(0))
		if name == "edge" {
			args = append(args, "-listen", address(0))
		}
		p := startProcess(t, name, dir, program, args...)
		if status := p.wantExit(t, patience); status.ExitStatus() != 1 {
			t.Errorf("%s ended with %v, not with 1", name, p.cmd.ProcessState)
		}
		text, _ := p.output.read()
		if lines := strings.Split(strings.TrimSpace(string(text)), "\n"); len(lines) != 1 || !strings.Contains(lines[0], "-nats: ") || !strings.Contains(lines[0], "jetstream not enabled") {
			t.Errorf("%s said %q, want one line that says that there is no JetStream", name, text)
		}
	}
}
