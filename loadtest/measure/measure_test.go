package measure

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"limegrove/loadtest/fleet"
	"limegrove/loadtest/protocol"
	"limegrove/loadtest/protocol/protocoltest"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/usage"
)

// The workers of these tests are this program, too.
func TestMain(m *testing.M) {
	if fleet.IsWorker(os.Args[1:]) {
		plain := func(*fleet.Plan) (protocol.Protocol, error) { return protocoltest.Plain{}, nil }
		os.Exit(fleet.Main(plain))
	}
	goleak.VerifyTestMain(m)
}

// run measures pairs against a server.
func run(t *testing.T, s *protocoltest.Server, change func(*Config)) *Report {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Target: Target{Servers: s.Addresses()},
		Plan: fleet.Plan{
			Scenario: "pairs", Protocol: "plain", Clients: 20, AtOnce: 8,
			Load: scenario.Load{Pairs: 10, Window: 1, Size: 64, Mode: scenario.Transient},
		},
		Workers: 2, Duration: time.Second, Print: t.Output(),
		Worker: func() *exec.Cmd { return exec.Command(self, fleet.Argument) },
	}
	if change != nil {
		change(&cfg)
	}
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Table(t.Output()); err != nil {
		t.Error(err)
	}
	return r
}

// rate makes a load an open loop.
func rate(perSecond float64) func(*Config) {
	return func(c *Config) { c.Plan.Load.Rate = perSecond }
}

func TestAllIsWellWithAServerThatDeliversAll(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"closed loop":   nil,
		"open loop":     rate(500),
		"both ways":     func(c *Config) { c.Plan.Load.Both = true },
		"among others":  func(c *Config) { c.Plan.Clients = 61 },
		"four in turn":  func(c *Config) { c.Plan.Load.Window = 4 },
		"with receipts": func(c *Config) { c.Plan.Load.Mode = scenario.Receipts },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, protocoltest.Serve(t, nil), change)
			if err := r.Err(); err != nil {
				t.Error(err)
			}
			if r.Result.Measured == 0 || r.Result.Delivered < r.Result.Measured || r.Result.Delivery.Count() == 0 {
				t.Errorf("%d were delivered, %d of them in time, and %d have delays", r.Result.Delivered, r.Result.Measured, r.Result.Delivery.Count())
			}
			if name == "with receipts" && (r.Result.Accepted != r.Result.Sent || r.Result.Received != r.Result.Sent) {
				t.Errorf("of %d %d were accepted and %d received", r.Result.Sent, r.Result.Accepted, r.Result.Received)
			}
		})
	}
}

// TestOpenLoopSendsWhatIsDue: no more and no less, over all workers.
func TestOpenLoopSendsWhatIsDue(t *testing.T) {
	t.Parallel()
	r := run(t, protocoltest.Serve(t, nil), func(c *Config) {
		c.Plan.Load.Rate, c.Plan.Load.Pairs, c.Workers = 700, 7, 3
		c.Warmup = 200 * time.Millisecond
	})
	if got := r.Result.Sent; got < 838 || got > 842 {
		t.Errorf("%d were sent in 1.2 s at 700/s", got)
	}
	if got := r.Result.Delivery.Count(); got < 698 || got > 702 {
		t.Errorf("%d have delays, of the second that was measured", got)
	}
}

// TestRateThatIsHeld: the backlog does not grow, whatever the machine that runs the tests can do.
func TestRateThatIsHeld(t *testing.T) {
	for name, c := range map[string]struct {
		backlog, copies int64 // at the end, and of each
		held            bool
	}{
		"none is left":       {0, 0, true},
		"few are left":       {5, 0, true},
		"many are left":      {70, 0, false},
		"few of many copies": {70, 20, true},
	} {
		r := Report{Load: scenario.Load{Rate: 500}, Seconds: 2}
		r.Result.Backlog, r.Result.Copies = []int64{0, 0, 0, c.backlog}, c.copies
		if r.conclude(); r.Held != c.held {
			t.Errorf("%s: held is %t", name, r.Held)
		}
	}
}

// TestLiesAreCounted: each by its kind, one by one.
func TestLiesAreCounted(t *testing.T) {
	t.Parallel()
	lie := func(fate protocoltest.Fate, at ...int64) func(int64) protocoltest.Fate {
		return func(n int64) protocoltest.Fate {
			for _, k := range at {
				if n == k {
					return fate
				}
			}
			return protocoltest.Deliver
		}
	}
	type counts struct{ lost, twice, reordered, faults int64 }
	for name, c := range map[string]struct {
		fate func(int64) protocoltest.Fate
		want counts
	}{
		"lost":      {lie(protocoltest.Drop, 7, 8, 300), counts{lost: 3}},
		"twice":     {lie(protocoltest.Double, 50, 51), counts{twice: 2}},
		"reordered": {lie(protocoltest.Delay, 100, 200), counts{reordered: 2}},
		"invented":  {lie(protocoltest.Pervert, 100), counts{lost: 1, faults: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, protocoltest.Serve(t, c.fate), func(c *Config) {
				// One pair, so that the next message is of the same stream.
				c.Plan.Clients, c.Plan.Load.Pairs, c.Plan.Load.Rate, c.Workers = 2, 1, 400, 1
			})
			got := counts{r.Result.Lost, r.Result.Twice, r.Result.Reordered, r.Result.Faults}
			if got != c.want {
				t.Errorf("counted %+v, not %+v", got, c.want)
			}
			if r.Err() == nil {
				t.Error("nothing is wrong with that")
			}
		})
	}
}

// TestStalledServerIsNotForgiven: what was due while it did nothing is late by all that time. A
// generator that waits for answers would have one late message for each pair, and a tenth as many
// messages.
func TestStalledServerIsNotForgiven(t *testing.T) {
	t.Parallel()
	const perSecond, stalled = 400, 500 * time.Millisecond
	var s *protocoltest.Server
	var stalling sync.WaitGroup
	defer stalling.Wait()
	s = protocoltest.Serve(t, func(n int64) protocoltest.Fate {
		if n == 100 {
			stalling.Go(func() {
				resume := s.Stall()
				time.Sleep(stalled) // that is how long it stalls; nothing is waited for
				resume()
			})
		}
		return protocoltest.Deliver
	})
	r := run(t, s, rate(perSecond))
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	// Of one second's messages half were due while it stalled: a fifth of all came more than 300 ms
	// too late, and of those that were due first one came about 500 ms too late.
	d := &r.Result.Delivery
	if late := d.At(0.82); late < 290*time.Millisecond {
		t.Errorf("the latest fifth is from %s on", late)
	}
	if longest := d.Max(); longest < stalled-20*time.Millisecond {
		t.Errorf("none came later than %s", longest)
	}
	if d.Count() < perSecond-2 {
		t.Errorf("%d of %d messages count", d.Count(), perSecond)
	}
}

func TestBusyServerIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := protocoltest.Serve(t, nil)
	s.Refuse(5)
	r := run(t, s, nil)
	if err := r.Err(); err != nil || r.Opened.Retries != 5 || r.Opened.Ready != 20 {
		t.Errorf("%d were tried again and %d are ready: %v", r.Opened.Retries, r.Opened.Ready, err)
	}
}

func TestSessionsThatEndAreCounted(t *testing.T) {
	t.Parallel()
	var s *protocoltest.Server
	s = protocoltest.Serve(t, func(n int64) protocoltest.Fate {
		if n == 50 {
			s.Cut()
		}
		return protocoltest.Deliver
	})
	r := run(t, s, rate(100))
	if err := r.Err(); r.Result.Cut != 20 || err == nil || !strings.Contains(err.Error(), "20 sessions ended") {
		t.Errorf("%d have ended: %v", r.Result.Cut, err)
	}
	if r.Held {
		t.Error("the rate was held without anybody to send")
	}
}

// TestClosedLoopGoesOnWithoutWhatIsLost: a window has as many under way as before.
func TestClosedLoopGoesOnWithoutWhatIsLost(t *testing.T) {
	t.Parallel()
	const lost = 45
	r := run(t, protocoltest.Serve(t, func(n int64) protocoltest.Fate {
		if n < lost { // all of the first windows, which are 40, and more
			return protocoltest.Drop
		}
		return protocoltest.Deliver
	}), func(c *Config) {
		c.Plan.Load.Window, c.Duration = 4, 4*time.Second
	})
	if r.Result.Lost != lost || r.Result.Measured < 1000 {
		t.Errorf("%d were lost, and %d were delivered", r.Result.Lost, r.Result.Measured)
	}
}

func TestMembersOfARoomGetAllOfIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fate        protocoltest.Fate
		lost, twice int64
	}{
		"all":   {fate: protocoltest.Deliver},
		"lost":  {fate: protocoltest.Drop, lost: 21},
		"twice": {fate: protocoltest.Double, twice: 21},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := protocoltest.Serve(t, func(n int64) protocoltest.Fate {
				if n == 20 {
					return c.fate
				}
				return protocoltest.Deliver
			})
			r := run(t, s, func(c *Config) {
				c.Plan.Scenario, c.Plan.Clients, c.Plan.Load.Pairs = "room", 21, 0
				c.Plan.Load.Senders, c.Plan.Load.Rate = 3, 60
			})
			if got := r.Result.Sent; got < 59 || got > 61 || r.Result.Delivered != got*21-c.lost {
				t.Errorf("%d were sent, and %d copies came", got, r.Result.Delivered)
			}
			if r.Result.Lost != c.lost || r.Result.Twice != c.twice || r.Result.Reordered != 0 {
				t.Errorf("%d copies were lost, %d twice, %d out of order", r.Result.Lost, r.Result.Twice, r.Result.Reordered)
			}
			if (r.Err() == nil) != (name == "all") {
				t.Error(r.Err())
			}
		})
	}
}

// TestStormComesBack: those of one server are cut off in the middle, and nobody who talks is.
func TestStormComesBack(t *testing.T) {
	t.Parallel()
	s := protocoltest.Serve(t, nil)
	r := run(t, s, func(c *Config) {
		c.Plan.Scenario, c.Plan.Clients, c.Plan.Load.Rate, c.Plan.Load.Within = "storm", 60, 400, 300*time.Millisecond
	})
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	storm := r.Result.Storm
	if storm == nil || storm.Cut != 20 || storm.Back != 20 || storm.Delay.Count() != 20 || storm.All < storm.Delay.Max()-time.Millisecond {
		t.Fatalf("it was %+v", storm)
	}
	before, during := r.Result.Delivery.Count(), r.Result.Disturbed.Count()
	if before < 195 || during < 195 || before+during < 398 {
		t.Errorf("%d count before it and %d during it", before, during)
	}
}

// TestAttackersAreCountedApart: with a server that defends itself against nothing. How far attackers come, on a machine that
// is busy with other tests, is a matter of time: they have longer phases, if need be.
func TestAttackersAreCountedApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		attackers, sessions int
		may                 func(a *scenario.Attack) bool // always
		came                func(a *scenario.Attack) bool // in time
	}{
		"half": {20, 0, func(a *scenario.Attack) bool {
			return a.Connected <= 80 && a.Sent <= a.Connected && a.Answered == 0
		}, func(a *scenario.Attack) bool { return a.Connected > 20 && a.Sent > 20 }},
		"slow": {20, 24, func(a *scenario.Attack) bool { return a.Connected == 24 && a.Answered == a.Sent }, nil},
		// They come back after the first of two phases, if the server is done with what they have said in time.
		"flood": {2, 4, func(a *scenario.Attack) bool {
			return a.Connected >= 4 && a.Connected <= 6 && a.Answered <= a.Sent
		}, nil},
		"commands": {3, 3, func(a *scenario.Attack) bool {
			return a.Connected >= 3 && a.Connected <= 6 && a.Answered <= a.Sent
		}, func(a *scenario.Attack) bool { return a.Answered > 0 }},
		"connect": {8, 0, func(a *scenario.Attack) bool {
			return a.Sent <= a.Connected && a.Answered <= a.Sent
		}, func(a *scenario.Attack) bool { return a.Connected > 8 && a.Answered > 8 }},
	} {
		// attack is one measurement of so many seconds, and tells whether they came far enough.
		attack := func(t *testing.T, seconds int64) bool {
			t.Helper()
			r := run(t, protocoltest.Serve(t, nil), func(cfg *Config) {
				cfg.Plan.Scenario, cfg.Plan.Load.Rate, cfg.Plan.Load.Attackers = name, 400, c.attackers
				cfg.Plan.Clients, cfg.Disturbances, cfg.Duration = 30, 2, time.Duration(seconds)*time.Second
			})
			a, l := r.Result.Attack, r.Result.Logins
			came := a != nil && a.Sent > 0 && (c.came == nil || c.came(a))
			if name == "connect" || name == "half" {
				came = came && l != nil && l.Begun >= 20 && l.Before.Count() > 0 && l.Disturbed.Count() > 0
			}
			if err := r.Err(); err != nil && (a == nil || a.Sent > 0) {
				t.Error(err)
			}
			if a == nil || a.Attackers != int64(c.attackers) || a.Cut+a.Refused != 0 || !c.may(a) || r.Opened.Ready != 30+c.sessions {
				t.Errorf("%d are ready, and it was %+v", r.Opened.Ready, a)
			}
			if name == "slow" && a != nil && (a.Sent < 1000*seconds-1 || a.Sent > 1000*seconds+1) {
				t.Errorf("those who do not read were sent %d", a.Sent)
			}
			if s := r.Result.Sent; s < 400*seconds-1 || s > 400*seconds+1 || r.Result.Delivered != s {
				t.Errorf("the others have sent %d, and %d came", s, r.Result.Delivered)
			}
			// A quarter of a quiet phase behind a disturbed one counts for neither.
			quiet, disturbed := r.Result.Delivery.Count(), r.Result.Disturbed.Count()
			if r.Grown == nil || r.Grown.P50 <= 0 || r.Grown.P99 <= 0 || disturbed < 195*seconds || quiet < 170*seconds || quiet > 180*seconds {
				t.Errorf("what grew is %+v, of %d and %d", r.Grown, quiet, disturbed)
			}
			if len(r.Phases) != 4 || len(r.Result.Phases) != 4 {
				t.Errorf("of four phases %d have a cost and %d have delays", len(r.Phases), len(r.Result.Phases))
			}
			if last := r.Running[len(r.Running)-1]; last.Group != "attack" || last.Processes != 1 {
				t.Errorf("the last group is %+v", last)
			}
			if name == "connect" && (l == nil || l.Back != l.Begun) {
				t.Errorf("of logins it is told %+v", l)
			}
			if !came {
				t.Logf("within %d s it was %+v", seconds, a)
			}
			return came
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seconds := int64(1); !attack(t, seconds); seconds *= 2 {
				if seconds == 16 {
					t.Fatal("they do not attack")
				}
			}
		})
	}
}

// TestAttackThatIsNoneIsWrong: whoever says that nobody was hurt has to have tried.
func TestAttackThatIsNoneIsWrong(t *testing.T) {
	for _, a := range []scenario.Attack{{Attackers: 5}, {Sent: 10, Answered: 9, Kept: true}} {
		if r := (scenario.Result{Attack: &a}); r.Err() == nil {
			t.Errorf("%+v is good", a)
		}
	}
	if r := (scenario.Result{Attack: &scenario.Attack{Sent: 10, Answered: 9}}); r.Err() != nil {
		t.Error(r.Err())
	}
}

func TestIdleSessionsHaveNoMessages(t *testing.T) {
	t.Parallel()
	for scenario, seconds := range map[string]float64{"ramp": 0, "hold": 1} {
		collected := 0
		r := run(t, protocoltest.Serve(t, nil), func(c *Config) {
			c.Plan.Scenario, c.Plan.Load.Pairs, c.Plan.Clients, c.Plan.Rate = scenario, 0, 50, 200
			c.Target.Groups = []usage.Group{{Name: "servers", Processes: []usage.Process{usage.Self()}}}
			c.Target.Collect = func(context.Context) error {
				collected++
				return nil
			}
		})
		if err := r.Err(); err != nil {
			t.Error(err)
		}
		if r.Result.Sent != 0 || r.Seconds != seconds || r.Opened.Ready != 50 || collected != 2 || len(r.Collected) != 2 {
			t.Errorf("%s: %d sent in %g s by %d; collected %d times", scenario, r.Result.Sent, r.Seconds, r.Opened.Ready, collected)
		}
		if took := r.Opened.Until - r.Opened.From; took < 240*time.Millisecond {
			t.Errorf("%s: 50 at 200/s have come within %s", scenario, took)
		}
	}
}
