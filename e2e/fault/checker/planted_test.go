package checker_test

import (
	"testing"
	"time"

	"limegrove/e2e/fault/checker"
	"limegrove/e2e/fault/history"
)

const identity = "rui@t"

// simple tells of one message that is sent, accepted, delivered and received.
func (s *story) simple(seq int, to string) {
	s.send(anas, seq, to)
	s.told(anas, history.Accepted, seq, to)
	s.told(anas, history.Dispatched, seq, to)
	s.deliver(ruis, seq, to)
	s.told(anas, history.Received, seq, to)
}

// simple2 is simple in ana's second session.
func (s *story) simple2(seq int, to string) {
	s.send(anas2, seq, to)
	s.told(anas2, history.Accepted, seq, to)
	s.deliver(ruis, seq, to)
}

func TestPlantedBugIsFound(t *testing.T) {
	for _, tc := range []struct {
		name string
		want checker.Class
		plot func(s *story)
	}{
		{"accepted and delivered to nobody", checker.Lost, func(s *story) {
			s.simple(1, rui)
			s.send(anas, 2, rui)
			s.told(anas, history.Accepted, 2, rui)
		}},
		{"nobody came back to get it", checker.Unjudged, func(s *story) {
			s.simple(1, rui)
			s.send(anas, 2, rui)
			s.told(anas, history.Accepted, 2, rui)
			s.logout(ruis, history.Left)
		}},
		{"the address has a session that is not available", checker.Unjudged, func(s *story) {
			s.logout(ruis, history.Left)
			s.send(anas, 1, rui)
			s.told(anas, history.Accepted, 1, rui)
			s.tell(history.Event{Kind: history.Established, Session: ruis2, Node: rui})
		}},
		{"only the sender's own session is there", checker.Unjudged, func(s *story) {
			s.send(anas, 1, "ana@t")
			s.told(anas, history.Accepted, 1, "ana@t")
		}},
		{"the sender's other node did not get it", checker.Lost, func(s *story) {
			s.login("ana/phone#1", "ana@t/phone")
			s.send(anas, 1, "ana@t")
			s.told(anas, history.Accepted, 1, "ana@t")
		}},
		{"twice to one session", checker.Duplicated, func(s *story) {
			s.simple(1, rui)
			s.deliver(ruis, 1, rui)
		}},
		{"before one that was accepted before it was sent", checker.Reordered, func(s *story) {
			s.send(anas, 1, rui)
			s.told(anas, history.Accepted, 1, rui)
			s.send(anas, 2, rui)
			s.told(anas, history.Accepted, 2, rui)
			s.deliver(ruis, 2, rui)
			s.deliver(ruis, 1, rui)
		}},
		{"before one that was sent before it in the same session", checker.Reordered, func(s *story) {
			s.send(anas, 1, rui)
			s.send(anas, 2, rui)
			s.deliver(ruis, 2, rui)
			s.deliver(ruis, 1, rui)
			s.told(anas, history.Accepted, 1, rui)
			s.told(anas, history.Accepted, 2, rui)
		}},
		{"as before, of an earlier session of the sender", checker.Reordered, func(s *story) {
			s.send(anas, 1, identity)
			s.send(anas, 2, identity)
			s.told(anas, history.Accepted, 1, identity)
			s.told(anas, history.Accepted, 2, identity)
			s.logout(anas, history.Cut)
			s.login(anas2, ana)
			s.send(anas2, 3, identity)
			s.told(anas2, history.Accepted, 3, identity)
			s.deliver(ruis, 2, identity)
			s.deliver(ruis, 3, identity)
			s.deliver(ruis, 1, identity)
		}},
		{"to another identity", checker.Misdelivered, func(s *story) {
			s.login("lia#1", "lia@t/desk")
			s.simple(1, rui)
			s.deliver("lia#1", 1, rui)
		}},
		{"to another node of the identity", checker.Misdelivered, func(s *story) {
			s.login("rui/phone#1", "rui@t/phone")
			s.simple(1, rui)
			s.deliver("rui/phone#1", 1, rui)
		}},
		{"for the identity, to a session that has not set its presence", checker.Misdelivered, func(s *story) {
			s.simple(1, identity)
			s.tell(history.Event{Kind: history.Established, Session: ruis2, Node: rui})
			s.deliver(ruis2, 1, identity)
		}},
		{"to a session that is unavailable", checker.Misdelivered, func(s *story) {
			s.simple(1, rui)
			s.login("rui#2", rui)
			s.tell(history.Event{Kind: history.Asked, Session: ruis2, Text: "unavailable"})
			s.tell(history.Event{Kind: history.Present, Session: ruis2, Text: "unavailable"})
			s.deliver(ruis2, 1, rui)
		}},
		{"which nobody has sent", checker.Unknown, func(s *story) {
			s.simple(1, rui)
			s.deliver(ruis, 2, rui)
		}},
		{"told to a node that has not sent it", checker.Unknown, func(s *story) {
			s.simple(1, rui)
			s.told(ruis, history.Received, 1, rui)
		}},
		{"from somebody else", checker.Altered, func(s *story) {
			s.send(anas, 1, rui)
			s.told(anas, history.Accepted, 1, rui)
			s.tell(history.Event{
				Kind: history.Delivered, Session: ruis, ID: id(1, rui), From: "eva@t/1", To: rui, Sender: ana, Seq: 1,
			})
		}},
		{"with the content of another", checker.Altered, func(s *story) {
			s.send(anas, 1, rui)
			s.told(anas, history.Accepted, 1, rui)
			s.tell(history.Event{
				Kind: history.Delivered, Session: ruis, ID: id(1, rui), From: ana, To: rui, Sender: ana, Seq: 2,
			})
		}},
		{"dispatched before accepted", checker.Early, func(s *story) {
			s.send(anas, 1, rui)
			s.told(anas, history.Dispatched, 1, rui)
			s.told(anas, history.Accepted, 1, rui)
			s.deliver(ruis, 1, rui)
		}},
		{"received, and never accepted", checker.Early, func(s *story) {
			s.simple(1, rui)
			s.send(anas, 2, rui)
			s.deliver(ruis, 2, rui)
			s.told(anas, history.Received, 2, rui)
		}},
		{"accepted after failed", checker.AfterFailed, func(s *story) {
			s.send(anas, 1, rui)
			s.told(anas, history.Failed, 1, rui)
			s.told(anas, history.Accepted, 1, rui)
			s.deliver(ruis, 1, rui)
		}},
		{"failed twice for one attempt", checker.AfterFailed, func(s *story) {
			s.simple(1, rui)
			s.send(anas, 2, rui)
			s.told(anas, history.Failed, 2, rui)
			s.told(anas, history.Failed, 2, rui)
		}},
		{"accepted, failed, not delivered", checker.Retracted, func(s *story) {
			s.send(anas, 1, rui)
			s.told(anas, history.Accepted, 1, rui)
			s.told(anas, history.Failed, 1, rui)
		}},
		{"accepted, failed, delivered", checker.Belied, func(s *story) {
			s.simple(1, rui)
			s.told(anas, history.Failed, 1, rui)
		}},
		{"nothing was accepted", checker.Vacuous, func(s *story) { s.send(anas, 1, rui) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := begin()
			tc.plot(s)
			want(t, s.end(), tc.want)
		})
	}
}

func TestHistoryWithoutEndIsNoProof(t *testing.T) {
	s := begin()
	s.simple(1, rui)
	want(t, *s, checker.Vacuous)
}

func TestServiceMustComeBackSoon(t *testing.T) {
	for _, tc := range []struct {
		name    string
		silence time.Duration
		want    []checker.Class
	}{
		{"soon", 9 * time.Second, nil},
		{"late", 11 * time.Second, []checker.Class{checker.Outage}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := begin()
			s.simple(1, rui)
			s.tell(history.Event{Kind: history.FaultBegin, Fault: 1, Name: "edge-kill", Target: "edge-1"})
			s.tell(history.Event{Kind: history.FaultEnd, Fault: 1, Name: "edge-kill", Target: "edge-1"})
			n := len(*s)
			s.simple(2, rui)
			end := s.end()
			for i := n; i < len(end); i++ {
				end[i].At += tc.silence
			}
			want(t, end, tc.want...)
		})
	}
	t.Run("not at all", func(t *testing.T) {
		s := begin()
		s.simple(1, rui)
		s.tell(history.Event{Kind: history.FaultEnd, Fault: 1, Name: "edge-kill", Target: "edge-1"})
		want(t, s.end(), checker.Outage)
	})
}

func TestContradictionIsAnError(t *testing.T) {
	for name, plot := range map[string]func(s *story){
		"an unknown session":        func(s *story) { s.deliver("eva#1", 1, rui) },
		"a session that is over":    func(s *story) { s.logout(ruis, history.Cut); s.deliver(ruis, 1, rui) },
		"a session twice":           func(s *story) { s.login(ruis, rui) },
		"a session of no node":      func(s *story) { s.login("x", "rui@t") },
		"an id twice":               func(s *story) { s.send(anas, 1, rui); s.send(ruis, 1, rui) },
		"numbers that go back":      func(s *story) { s.send(anas, 2, rui); s.send(anas, 1, rui) },
		"a process of no sort":      func(s *story) { s.tell(history.Event{Kind: history.Exit, Target: "x"}) },
		"a signal that ends nobody": func(s *story) { s.tell(exit(func(e *history.Event) { e.Signal = "SIGHUP" })) },
		"an event of no kind":       func(s *story) { s.tell(history.Event{Kind: "x"}) },
		"something after the end":   func(s *story) { s.tell(history.Event{Kind: history.End}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := begin()
			plot(s)
			if _, err := checker.Check(s.end().all(), checker.Config{}); err == nil {
				t.Error("the history was judged")
			}
		})
	}
}
