package checker_test

import (
	"testing"

	"limegrove/e2e/fault/checker"
	"limegrove/e2e/fault/history"
)

// eva and joe are strangers to most stories.
const (
	eva, evas = "eva@t/1", "eva#1"
	joe, joes = "joe@t/1", "joe#1"
)

// grouped tells of a copy of one of ana's messages to the group.
func (s *story) grouped(session string, seq int, to string) {
	s.tell(history.Event{
		Kind: history.Delivered, Session: session, ID: id(seq, everybody), From: everybody + "/ana%40t", To: to, Sender: ana, Seq: seq,
	})
}

// TestGroupIsJudgedByMember: ana, rui and eva are in it, and joe is not.
func TestGroupIsJudgedByMember(t *testing.T) {
	for _, tc := range []struct {
		name string
		want []checker.Class
		plot func(s *story)
	}{
		{"every member has it", nil, func(s *story) {
			s.grouped(ruis, 1, "rui@t")
			s.grouped(evas, 1, "eva@t")
		}},
		{"a later session, too", nil, func(s *story) {
			s.grouped(ruis, 1, "rui@t")
			s.grouped(evas, 1, "eva@t")
			s.logout(evas, history.Cut)
			s.login("eva#2", eva)
			s.grouped("eva#2", 1, "eva@t")
		}},
		{"an order of its own besides the identity's", nil, func(s *story) {
			s.grouped(ruis, 1, "rui@t")
			s.grouped(evas, 1, "eva@t")
			s.simple(2, identity)
			s.simple(3, identity)
		}},
		{"one has not", []checker.Class{checker.Lost}, func(s *story) { s.grouped(evas, 1, "eva@t") }},
		{"one has not come back", []checker.Class{checker.Unjudged}, func(s *story) {
			s.grouped(ruis, 1, "rui@t")
			s.logout(evas, history.Left)
		}},
		{"one has it twice", []checker.Class{checker.Duplicated}, func(s *story) {
			s.grouped(ruis, 1, "rui@t")
			s.grouped(evas, 1, "eva@t")
			s.grouped(evas, 1, "eva@t")
		}},
		{"its sender has it", []checker.Class{checker.Misdelivered}, func(s *story) {
			s.grouped(ruis, 1, "rui@t")
			s.grouped(evas, 1, "eva@t")
			s.grouped(anas, 1, "ana@t")
		}},
		{"who is in no group has it", []checker.Class{checker.Misdelivered}, func(s *story) {
			s.grouped(ruis, 1, "rui@t")
			s.grouped(evas, 1, "eva@t")
			s.grouped(joes, 1, "joe@t")
		}},
		{"it comes from its sender", []checker.Class{checker.Altered}, func(s *story) {
			s.deliver(ruis, 1, everybody)
			s.grouped(evas, 1, "eva@t")
		}},
		{"one has them in another order", []checker.Class{checker.Reordered}, func(s *story) {
			s.send(anas, 2, everybody)
			s.told(anas, history.Accepted, 2, everybody)
			s.grouped(ruis, 1, "rui@t")
			s.grouped(ruis, 2, "rui@t")
			s.grouped(evas, 2, "eva@t")
			s.grouped(evas, 1, "eva@t")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := new(story)
			for _, member := range []string{"ana@t", "rui@t", "eva@t"} {
				s.tell(history.Event{Kind: history.Joined, From: member, To: everybody})
			}
			s.tell(history.Event{Kind: history.Begin})
			s.login(anas, ana)
			s.login(ruis, rui)
			s.login(evas, eva)
			s.login(joes, joe)
			s.send(anas, 1, everybody)
			s.told(anas, history.Accepted, 1, everybody)
			tc.plot(s)
			whole := s.end()
			want(t, whole, tc.want...)
			if r := check(t, whole); r.Shares != 2*r.Grouped || r.Grouped < 1 {
				t.Errorf("%d messages to groups, for %d members", r.Grouped, r.Shares)
			}
		})
	}
}

func TestMembersAreIdentitiesAndOnceInAGroup(t *testing.T) {
	for name, second := range map[string]string{"twice": "ana@t", "a node": "rui@t/1"} {
		t.Run(name, func(t *testing.T) {
			s := new(story)
			s.tell(history.Event{Kind: history.Joined, From: "ana@t", To: everybody})
			s.tell(history.Event{Kind: history.Joined, From: second, To: everybody})
			if _, err := checker.Check(s.all(), checker.Config{}); err == nil {
				t.Error("it is no contradiction")
			}
		})
	}
}
