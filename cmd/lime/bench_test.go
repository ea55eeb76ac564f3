package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/loadtest/tally"
)

func TestWhatABenchCounts(t *testing.T) {
	b := &bench{course: course{pairs: 1, rate: 1, stored: true}, name: "run", began: time.Now()}
	o := &pair{bench: b, got: make(chan uint32, 1), missing: tally.Missing{}}
	b.pairs = []*pair{o}
	o.sent.Store(6)
	hear := func(run string, number uint32) {
		content, err := json.Marshal(letter{Run: run, Number: number})
		if err == nil {
			err = o.hear(t.Context(), nil, &lime.Message{Type: mediaBench, Content: content})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, number := range []uint32{0, 2, 1, 1, 4, 9} { // 9 was never sent
		hear("run", number)
	}
	hear("another", 3)
	o.fails(lime.NewReason(lime.CodeGeneralError, "no"))
	if !o.outstanding() {
		t.Error("nothing is outstanding, and one is lost")
	}
	b.took = time.Second
	r := b.added()
	if r.Sent != 6 || r.Received != 4 || r.Twice != 1 || r.Reordered != 1 || r.Refused != 1 || r.Lost != 1 || r.Rate != 4 || r.Arrived.Count != 5 {
		t.Errorf("it is %+v", r)
	}
	err := r.wrong()
	for _, says := range []string{"1 stored messages lost", "1 stored messages twice", "1 messages out of order", "1 messages refused"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("it says %v, and not %q", err, says)
		}
	}
	if r.Kind, r.Refused, r.Reordered = "transient", 0, 0; r.wrong() != nil {
		t.Errorf("transient messages may be lost: %v", r.wrong())
	}
}

// TestContentOfABench is as long as it is to be.
func TestContentOfABench(t *testing.T) {
	for _, size := range []int{leastBenchSize, 128, 4000} {
		o := &pair{bench: &bench{course: course{size: size}, name: "abcdefgh"}}
		if got := len(o.content(1<<31, 10*time.Minute)); got != size {
			t.Errorf("%d bytes of %d", got, size)
		}
	}
}
