package checker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/e2e/fault/checker"
	"limegrove/e2e/fault/history"
)

// What may look odd, and is as promised.
func TestSoundHistoryPasses(t *testing.T) {
	for name, plot := range map[string]func(s *story){
		"all is well": func(s *story) { s.simple(1, rui); s.simple(2, rui); s.simple(1, identity) },
		"again to a later session": func(s *story) {
			s.simple(1, rui)
			s.logout(ruis, history.Cut)
			s.login(ruis2, rui)
			s.deliver(ruis2, 1, rui)
		},
		"to each session of an identity": func(s *story) {
			s.login("rui/phone#1", "rui@t/phone")
			s.simple(1, identity)
			s.deliver("rui/phone#1", 1, identity)
		},
		"to one session of an identity": func(s *story) {
			s.login("rui/phone#1", "rui@t/phone")
			s.simple(1, identity)
		},
		"failed first, and behind a later one then": func(s *story) {
			s.send(anas, 1, rui)
			s.told(anas, history.Failed, 1, rui)
			s.simple(2, rui)
			s.send(anas, 1, rui)
			s.told(anas, history.Accepted, 1, rui)
			s.deliver(ruis, 1, rui)
		},
		"unanswered first, and behind a later one then": func(s *story) {
			s.send(anas, 1, rui)
			s.send(anas, 2, rui)
			s.told(anas, history.Accepted, 2, rui)
			s.deliver(ruis, 2, rui)
			s.logout(anas, history.Cut)
			s.login(anas2, ana)
			s.send(anas2, 1, rui)
			s.told(anas2, history.Accepted, 1, rui)
			s.deliver(ruis, 1, rui)
		},
		"numbers of different addresses have no order": func(s *story) {
			s.send(anas, 1, identity)
			s.told(anas, history.Accepted, 1, identity)
			s.simple(1, rui)
			s.deliver(ruis, 1, identity)
		},
		"received of an attempt whose accepted was lost": func(s *story) {
			s.send(anas, 1, rui)
			s.logout(anas, history.Cut)
			s.deliver(ruis, 1, rui)
			s.login(anas2, ana)
			s.send(anas2, 1, rui)
			s.told(anas2, history.Received, 1, rui)
			s.told(anas2, history.Accepted, 1, rui)
		},
		"failed, delivered, and never accepted": func(s *story) {
			s.simple(1, rui)
			s.send(anas, 2, rui)
			s.told(anas, history.Failed, 2, rui)
			s.deliver(ruis, 2, rui)
		},
		"received of an earlier attempt, after another has failed": func(s *story) {
			s.send(anas, 1, rui)
			s.logout(anas, history.Cut)
			s.login(anas2, ana)
			s.send(anas2, 1, rui)
			s.told(anas2, history.Failed, 1, rui)
			s.deliver(ruis, 1, rui)
			s.told(anas2, history.Received, 1, rui)
			s.simple2(1, identity)
		},
		"to a node that has not set its presence": func(s *story) {
			s.simple(1, rui)
			s.tell(history.Event{Kind: history.Established, Session: ruis2, Node: rui})
			s.deliver(ruis2, 1, rui)
		},
		"to who was unavailable and asks to be no more": func(s *story) {
			s.simple(1, identity)
			for _, kind := range []history.Kind{history.Asked, history.Present} {
				s.tell(history.Event{Kind: kind, Session: ruis, Text: "unavailable"})
			}
			s.send(anas, 2, identity)
			s.told(anas, history.Accepted, 2, identity)
			s.tell(history.Event{Kind: history.Asked, Session: ruis, Text: "available"})
			s.deliver(ruis, 2, identity)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin()
			plot(s)
			want(t, s.end())
		})
	}
}

func TestReportCounts(t *testing.T) {
	s := begin()
	s.simple(1, rui)
	s.logout(ruis, history.Cut)
	s.tell(history.Event{Kind: history.FaultBegin, Fault: 1, Name: "edge-kill", Target: "edge-1"})
	s.login(ruis2, rui)
	s.deliver(ruis2, 1, rui)
	s.tell(history.Event{Kind: history.FaultEnd, Fault: 1, Name: "edge-kill", Target: "edge-1"})
	s.send(anas, 2, rui)
	s.told(anas, history.Failed, 2, rui)
	s.send(anas, 2, rui)
	s.told(anas, history.Accepted, 2, rui)
	s.deliver(ruis2, 2, rui)
	s.tell(history.Event{Kind: history.Exit, Target: "router-1", Name: history.Router, Text: "exit status 1", Status: 1})
	r := check(t, s.end())

	for _, n := range []struct {
		what      string
		got, want int
	}{
		{"sent", r.Sent, 2},
		{"resent", r.Resent, 1},
		{"accepted", r.Accepted, 2},
		{"failed", r.Failed, 1},
		{"delivered", r.Delivered, 2},
		{"copies", r.Deliveries, 3},
		{"redelivered", r.Redelivered, 1},
		{"sessions", r.Sessions, 3},
		{"gaps", r.Gaps.Count(), 1},
		{"exits", len(r.Exits), 1},
		{"faults", r.Faults["edge-kill"], 1},
		{"ms without any accepted", int(r.Outage / time.Millisecond), 140},
		{"ms until service was back", int(r.Back / time.Millisecond), 40},
		{"ms of the gap", int(r.Gaps.Quantile(1) / time.Millisecond), 20},
	} {
		if n.got != n.want {
			t.Errorf("%s: %d, want %d", n.what, n.got, n.want)
		}
	}
	var text strings.Builder
	if _, err := r.WriteTo(&text); err != nil || !strings.Contains(text.String(), "verdict        good") {
		t.Errorf("%v:\n%s", err, text.String())
	}
}

func TestExamplesAreBoundedAndAllAreCounted(t *testing.T) {
	s := begin()
	s.simple(1, rui)
	for range 50 {
		s.deliver(ruis, 1, rui)
	}
	r := check(t, s.end())
	if n := r.Violations[checker.Duplicated]; n != 50 || len(r.Examples) != 10 {
		t.Errorf("%d are counted and %d shown, want 50 and 10", n, len(r.Examples))
	}
	if !slices.Contains(checker.Classes(), checker.Duplicated) || r.Good() {
		t.Error("the verdict is good")
	}
}
