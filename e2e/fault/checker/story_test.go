package checker_test

import (
	"iter"
	"strings"
	"testing"
	"time"

	"limegrove/e2e/fault/checker"
	"limegrove/e2e/fault/history"
)

// story is a history that a test tells, an event every ten milliseconds.
type story []history.Event

func (s *story) tell(e history.Event) {
	e.At = time.Duration(len(*s)) * 10 * time.Millisecond
	*s = append(*s, e)
}

// all yields the events as a checker reads them.
func (s story) all() iter.Seq2[history.Event, error] {
	return func(yield func(history.Event, error) bool) {
		for _, e := range s {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// The sessions of the stories: ana writes to rui.
const (
	ana, rui     = "ana@t/home", "rui@t/desk"
	anas, ruis   = "ana#1", "rui#1"
	anas2, ruis2 = "ana#2", "rui#2"
)

// begin tells of a session of each of them, both available.
func begin() *story {
	s := new(story)
	s.tell(history.Event{Kind: history.Begin})
	s.login(anas, ana)
	s.login(ruis, rui)
	return s
}

func (s *story) login(session, node string) {
	s.tell(history.Event{Kind: history.Established, Session: session, Node: node})
	s.tell(history.Event{Kind: history.Asked, Session: session, Text: "available"})
	s.tell(history.Event{Kind: history.Present, Session: session, Text: "available"})
}

func (s *story) logout(session, why string) {
	s.tell(history.Event{Kind: history.Ended, Session: session, Text: why})
}

// send tells of an attempt of ana's. The id is the number.
func (s *story) send(session string, seq int, to string) {
	s.tell(history.Event{Kind: history.Sent, Session: session, ID: id(seq, to), To: to, Seq: seq})
}

func (s *story) told(session string, kind history.Kind, seq int, to string) {
	code := 0
	if kind == history.Failed {
		code = 51
	}
	s.tell(history.Event{Kind: kind, Session: session, ID: id(seq, to), Code: code})
}

func (s *story) deliver(session string, seq int, to string) {
	s.tell(history.Event{
		Kind: history.Delivered, Session: session, ID: id(seq, to), From: ana, To: to, Sender: ana, Seq: seq,
	})
}

func (s *story) end() story {
	s.tell(history.Event{Kind: history.Quiet})
	s.tell(history.Event{Kind: history.End})
	return *s
}

func id(seq int, to string) string { return strings.Repeat("i", seq) + "-" + to }

func check(t interface {
	Helper()
	Fatal(args ...any)
}, s story,
) *checker.Report {
	t.Helper()
	report, err := checker.Check(s.all(), checker.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// want wants exactly these classes, each once.
func want(t *testing.T, s story, classes ...checker.Class) {
	t.Helper()
	report := check(t, s)
	for _, class := range classes {
		if report.Violations[class] != 1 {
			t.Errorf("%s is reported %d times, want once", class, report.Violations[class])
		}
		delete(report.Violations, class)
	}
	for class, n := range report.Violations {
		t.Errorf("%s is reported %d times, want never", class, n)
	}
	if t.Failed() {
		for _, v := range report.Examples {
			t.Log(v)
		}
	}
}
