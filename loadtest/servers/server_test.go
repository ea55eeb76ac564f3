package servers

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"limegrove/loadtest/adapters"
	"limegrove/loadtest/cluster"
	"limegrove/loadtest/fleet"
	"limegrove/loadtest/measure"
	"limegrove/loadtest/scenario"
)

// The workers of these tests are this program, too.
func TestMain(m *testing.M) {
	if fleet.IsWorker(os.Args[1:]) {
		os.Exit(fleet.Main(adapters.New))
	}
	os.Exit(m.Run())
}

// TestEveryKindDeliversEverything: through the real server, each message once and in order.
func TestEveryKindDeliversEverything(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			k, err := New(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Prepare(t.Context(), t.TempDir()); err != nil {
				t.Fatal(err)
			}
			s, err := k.Start(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			r := run(t, k, s, "pairs", 21, scenario.Load{Pairs: 10, Both: true, Rate: 400, Window: 1, Size: 300})
			if r.Opened.Ready != 21 || r.Result.Sent != 400 || r.Result.Delivered != 400 {
				t.Errorf("%d sessions, %d sent, %d delivered; want 21, 400, 400", r.Opened.Ready, r.Result.Sent, r.Result.Delivered)
			}
			room := run(t, k, s, "room", 12, scenario.Load{Senders: 2, Rate: 50, Size: 300})
			if room.Result.Sent != 50 || room.Result.Delivered != 50*12 {
				t.Errorf("to a room of 12 %d were sent, %d copies delivered; want 50, 600", room.Result.Sent, room.Result.Delivered)
			}
			for _, c := range r.Running {
				if c.Resident == 0 {
					t.Errorf("%s has no memory", c.Group)
				}
			}
		})
	}
}

// run puts a load on a server for a second, and wants nothing to be wrong.
func run(t *testing.T, k Kind, s *Server, name string, clients int, l scenario.Load) *measure.Report {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l.Mode = scenario.Transient
	r, err := measure.Run(t.Context(), measure.Config{
		Target: s.Target, Workers: 1, Duration: time.Second, Print: t.Output(),
		Worker: func() *exec.Cmd { return exec.Command(self, fleet.Argument) },
		Plan:   fleet.Plan{Scenario: name, Protocol: k.Protocol(), Domain: cluster.Domain, Clients: clients, AtOnce: 8, Load: l},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	return r
}
