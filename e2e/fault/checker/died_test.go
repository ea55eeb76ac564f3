package checker_test

import (
	"strings"
	"testing"
	"time"

	"limegrove/e2e/fault/checker"
	"limegrove/e2e/fault/history"
)

// exit is the end of a process: an edge that had been ready, where it says nothing else.
func exit(change func(e *history.Event)) history.Event {
	e := history.Event{Kind: history.Exit, Target: "edge-1", Name: history.Edge, Ready: true, Text: "exit status 0"}
	change(&e)
	return e
}

// Statuses of processes.
const (
	failed   = 1
	panicked = 2
	raced    = 66
	bySignal = -1
)

// fault is the begin or the end of the one fault that a target has.
func fault(kind history.Kind, name, target string) history.Event {
	return history.Event{Kind: kind, Fault: len(target), Name: name, Target: target}
}

func TestDeathIsFound(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  history.Event
	}{
		{"by itself, by a panic", exit(func(e *history.Event) { e.Status = panicked })},
		{"by itself, by a data race", exit(func(e *history.Event) { e.Status = raced })},
		{"by itself, killed by the system", exit(func(e *history.Event) { e.Status = bySignal })},
		{"by itself, as though it had been asked to", exit(func(*history.Event) {})},
		{"by itself, with an error at work", exit(func(e *history.Event) { e.Status = failed })},
		{"by itself, by a panic at its start", exit(func(e *history.Event) { e.Status, e.Ready = panicked, false })},
		{"a router, by itself", exit(func(e *history.Event) {
			e.Target, e.Name, e.Status = "router-1", history.Router, panicked
		})},
		{"by a panic when it was asked to", exit(func(e *history.Event) {
			e.Signal, e.Status = history.Terminated, panicked
		})},
		{"by a data race when it was asked to", exit(func(e *history.Event) {
			e.Signal, e.Status = history.Terminated, raced
		})},
		{"not when it was asked to, so that it was killed", exit(func(e *history.Event) {
			e.Signal, e.Status, e.Took = history.Terminated, bySignal, time.Minute
		})},
		{"with an error when it was asked to, and all was well", exit(func(e *history.Event) {
			e.Signal, e.Status = history.Terminated, failed
		})},
		{"by a panic just before it was killed", exit(func(e *history.Event) {
			e.Signal, e.Status = history.Killed, panicked
		})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := begin()
			s.simple(1, rui)
			s.tell(fault(history.FaultBegin, "edge-drain", "edge-1"))
			s.tell(tc.end)
			s.tell(fault(history.FaultEnd, "edge-drain", "edge-1"))
			s.simple(2, rui)
			want(t, s.end(), checker.Died)
		})
	}
}

func TestEndThatWasAskedForIsNoDeath(t *testing.T) {
	for _, tc := range []struct {
		name      string
		end       history.Event
		during    bool // another fault
		is        func(r *checker.Report) []string
		mentioned string
	}{
		{"after a drain", exit(func(e *history.Event) { e.Signal = history.Terminated }), false, excused, ""},
		{"killed", exit(func(e *history.Event) { e.Signal, e.Status = history.Killed, bySignal }), false, exits, ""},
		{"a start without the servers", exit(func(e *history.Event) {
			e.Status, e.Ready, e.Text = failed, false, "exit status 1"
		}), false, exits, "edge-1: exit status 1"},
		{"a drain before it was ready", exit(func(e *history.Event) {
			e.Signal, e.Status, e.Ready, e.Text = history.Terminated, failed, false, "exit status 1"
		}), false, excused, "edge-1: exit status 1"},
		{"a drain while a server was away", exit(func(e *history.Event) {
			e.Signal, e.Status, e.Text = history.Terminated, failed, "exit status 1"
		}), true, excused, "edge-1: exit status 1"},
		{"a broker by itself", exit(func(e *history.Event) {
			e.Target, e.Name, e.Status, e.Text = "broker-1", history.Broker, failed, "exit status 1"
		}), false, exits, "broker-1: exit status 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := begin()
			s.simple(1, rui)
			s.tell(fault(history.FaultBegin, "edge-drain", "edge-1"))
			if tc.during {
				s.tell(fault(history.FaultBegin, "redis-kill", "redis"))
			}
			s.tell(tc.end)
			s.tell(fault(history.FaultEnd, "redis-kill", "redis"))
			s.tell(fault(history.FaultEnd, "edge-drain", "edge-1"))
			s.simple(2, rui)
			end := s.end()
			want(t, end)
			r := check(t, end)
			if got := strings.Join(tc.is(r), "\n"); tc.mentioned == "" && got != "" || !strings.Contains(got, tc.mentioned) {
				t.Errorf("the report mentions %q, want %q", got, tc.mentioned)
			}
		})
	}
}

func exits(r *checker.Report) []string   { return r.Exits }
func excused(r *checker.Report) []string { return r.Excused }

// A fault excuses a failed goodbye for as long as service may take to be back.
func TestFaultExcusesForAWhile(t *testing.T) {
	for _, tc := range []struct {
		name        string
		later, took time.Duration
		want        []checker.Class
	}{
		{"soon after it", 9 * time.Second, 0, nil},
		{"asked to soon after it", 15 * time.Second, 6 * time.Second, nil},
		{"when all should be well", 11 * time.Second, 0, []checker.Class{checker.Died}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := begin()
			s.simple(1, rui)
			s.tell(fault(history.FaultBegin, "redis-kill", "redis"))
			s.tell(fault(history.FaultEnd, "redis-kill", "redis"))
			s.simple(2, rui)
			n := len(*s)
			s.tell(exit(func(e *history.Event) { e.Signal, e.Status, e.Took = history.Terminated, failed, tc.took }))
			end := s.end()
			for i := n; i < len(end); i++ {
				end[i].At += tc.later
			}
			// Nobody sends meanwhile, which is not what this is about.
			report := check(t, end)
			delete(report.Violations, checker.Outage)
			if got := report.Violations[checker.Died]; got != len(tc.want) || len(report.Violations) != len(tc.want) {
				t.Errorf("the violations are %v, want %v", report.Violations, tc.want)
			}
		})
	}
}

func TestRunWithoutTheFaultsThatWereToComeIsNoProof(t *testing.T) {
	for _, tc := range []struct {
		name  string
		comes bool
		want  []checker.Class
	}{
		{"one came", true, nil},
		{"none came", false, []checker.Class{checker.Vacuous}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := begin()
			(*s)[0].Fault = 3
			if tc.comes {
				s.tell(fault(history.FaultBegin, "edge-kill", "edge-1"))
			}
			s.simple(1, rui)
			want(t, s.end(), tc.want...)
		})
	}
}
