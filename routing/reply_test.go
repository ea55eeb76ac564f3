package routing

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"limegrove/lime"
	"limegrove/routing/subject"
)

func message(id string) *lime.Header { return &lime.Header{Kind: lime.KindMessage, ID: []byte(id)} }

func TestAFateIsToldOnce(t *testing.T) {
	var r replies
	m := &Member{}
	s := r.add(m, message("1"), nil)

	p, ok := r.take(s)
	if !ok || p.member != m || string(p.id) != "1" || p.kind != lime.KindMessage {
		t.Errorf("the first reply finds %v, %v", p, ok)
	}
	if _, ok := r.take(s); ok {
		t.Error("a second reply finds it again")
	}
}

func TestOnlyWhatLimeAnswersIsRemembered(t *testing.T) {
	for _, c := range []struct {
		name string
		h    lime.Header
		want bool
	}{
		{"a message with an id", lime.Header{Kind: lime.KindMessage, ID: []byte("1")}, true},
		{"a message without one", lime.Header{Kind: lime.KindMessage}, false},
		{"a notification", lime.Header{Kind: lime.KindNotification, ID: []byte("1"), Event: lime.EventReceived}, false},
		{"a request", lime.Header{Kind: lime.KindCommand, ID: []byte("1"), Method: lime.MethodGet}, true},
		{"a request without an id", lime.Header{Kind: lime.KindCommand, Method: lime.MethodGet}, false},
		{"a response", lime.Header{Kind: lime.KindCommand, ID: []byte("1"), Method: lime.MethodGet, Status: lime.CommandSuccess}, false},
		{"an observe", lime.Header{Kind: lime.KindCommand, ID: []byte("1"), Method: lime.MethodObserve}, false},
	} {
		var r replies
		if got := r.add(&Member{}, &c.h, nil) != subject.NoReply; got != c.want {
			t.Errorf("%s: remembered %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRepliesThatWereNotAskedForFindNothing(t *testing.T) {
	var r replies
	for _, s := range []uint64{subject.NoReply, 1, 2, 1 << 63, 1<<64 - 1} {
		if _, ok := r.take(s); ok {
			t.Errorf("%d finds something in an empty ring", s)
		}
	}
	r.add(&Member{}, message("1"), nil)
	if _, ok := r.take(2); ok {
		t.Error("the next sequence finds something")
	}
}

func TestTheOldestIsForgottenFirst(t *testing.T) {
	const ring = replyPages * replyPage
	var r replies
	m := &Member{}
	first := r.add(m, message("old"), nil)
	for i := range ring - 1 {
		r.add(m, message(fmt.Sprint(i)), nil)
	}
	if p, ok := r.take(first); !ok || string(p.id) != "old" {
		t.Fatalf("a full ring still has its oldest: %v, %v", p, ok)
	}
	second := first + 1
	last := r.add(m, message("new"), nil)
	if over := r.add(m, message("newer"), nil); over != second+ring {
		t.Fatalf("the sequence is %d, want %d", over, second+ring)
	}
	if p, ok := r.take(second); ok {
		t.Errorf("what was overwritten is found: %q", p.id)
	}
	if p, ok := r.take(last); !ok || string(p.id) != "new" {
		t.Errorf("the newest is %q, %v", p.id, ok)
	}
}

func TestAnIDBelongsToWhoHasTakenIt(t *testing.T) {
	var r replies
	m := &Member{}
	id := []byte("mine")
	s := r.add(m, &lime.Header{Kind: lime.KindMessage, ID: id}, nil)
	copy(id, "xxxx") // borrowed only
	p, _ := r.take(s)
	for range replyPages * replyPage {
		r.add(m, message("next"), nil)
	}
	if string(p.id) != "mine" {
		t.Errorf("the id became %q", p.id)
	}
}

func TestManySendersAndRepliesAtOnce(t *testing.T) {
	var r replies
	var all sync.WaitGroup
	var found atomic.Int64
	for i := range 8 {
		all.Go(func() {
			m := &Member{who: mustName(t, lime.MustParseNode("ana@t.org/1"), fmt.Sprint(i))}
			for j := range 1000 { // fewer than the ring has
				id := fmt.Sprint(i, ".", j)
				s := r.add(m, message(id), nil)
				var twice sync.WaitGroup
				for range 2 {
					twice.Go(func() {
						if p, ok := r.take(s); ok {
							found.Add(1)
							if string(p.id) != id || p.member != m {
								t.Errorf("%s became %q of %s", id, p.id, p.member.who.Tag())
							}
						}
					})
				}
				twice.Wait()
			}
		})
	}
	all.Wait()
	if found.Load() != 8000 {
		t.Errorf("%d were found, want each once", found.Load())
	}
}
