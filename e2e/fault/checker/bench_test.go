package checker_test

import (
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"limegrove/e2e/fault/checker"
	"limegrove/e2e/fault/history"
)

// talk yields a history of n messages between pairs of nodes, without keeping it.
func talk(n int) iter.Seq2[history.Event, error] {
	const people = 200
	return func(yield func(history.Event, error) bool) {
		at := time.Duration(0)
		tell := func(e history.Event) {
			at += time.Microsecond
			e.At = at
			yield(e, nil)
		}
		tell(history.Event{Kind: history.Begin})
		for i := range people {
			session := fmt.Sprintf("u%d@localhost/a#1", i)
			tell(history.Event{Kind: history.Established, Session: session, Node: fmt.Sprintf("u%d@localhost/a", i)})
			tell(history.Event{Kind: history.Asked, Session: session, Text: "available"})
			tell(history.Event{Kind: history.Present, Session: session, Text: "available"})
		}
		for i := range n {
			from, to := fmt.Sprintf("u%d@localhost/a", i%people), fmt.Sprintf("u%d@localhost/a", (i+1)%people)
			seq := 1 + i/people
			id := fmt.Sprintf("%s>%s#%d", from, to, seq)
			tell(history.Event{Kind: history.Sent, Session: from + "#1", ID: id, To: to, Seq: seq})
			tell(history.Event{Kind: history.Accepted, Session: from + "#1", ID: id})
			tell(history.Event{
				Kind: history.Delivered, Session: to + "#1", ID: id, From: from, To: to, Sender: from, Seq: seq,
			})
		}
		tell(history.Event{Kind: history.Quiet})
		tell(history.Event{Kind: history.End})
	}
}

// What is kept for a message bounds the runs that can be judged.
func TestMemoryForEachMessageIsBounded(t *testing.T) {
	const messages, most = 200_000, 512 // bytes for each
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	report, err := checker.CheckAnd(talk(messages), func() {
		runtime.GC()
		runtime.ReadMemStats(&after)
	})
	if err != nil || !report.Good() {
		t.Fatalf("%v, %+v", err, report)
	}
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / messages
	t.Logf("%d bytes for each message", each)
	if each > most {
		t.Errorf("%d bytes are kept for each message, and %d is the most", each, most)
	}
}

func BenchmarkCheck(b *testing.B) {
	for b.Loop() {
		if _, err := checker.Check(talk(10_000), checker.Config{}); err != nil {
			b.Fatal(err)
		}
	}
}
