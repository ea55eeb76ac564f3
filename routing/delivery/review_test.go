package delivery

import "testing"

// A message of which both copies were lost is found in the inbox when later ones have come
// already: also while a review is under way that is for those, and has gone past it.
func TestWhatIsPassedDuringAReviewWaitsForTheNext(t *testing.T) {
	var f Follow
	f.Start(0)
	f.Tails(Tail{}, Tail{})
	f.Copy(4, 0)
	f.Pass(Message{Position: 4})
	f.Review(false)
	page := func(p Page) {
		t.Helper()
		r := f.NextReview()
		if out, had, ok := f.Offer(r, p); !ok || len(had) > 0 {
			t.Errorf("of %+v, %+v is offered and %+v removed (%v)", p, out, had, ok)
		}
		f.Offered(r, p)
	}
	inbox := []Message{{Position: 3, Inbox: 1}, {Position: 4, Inbox: 2}}
	page(Page{Through: 4}) // the log was purged
	page(Page{Through: 1, Messages: inbox[:1], More: true})

	f.Doubt()
	r := f.Next()
	out, _ := f.Merge(r, Page{Through: 4}, Page{Through: 2, Messages: inbox})
	if len(out) != 1 || out[0].Position != 3 {
		t.Fatalf("of what waits in the inbox, %+v is new", out)
	}
	f.Pass(out[0])

	page(Page{Through: 2, Messages: inbox[1:]})
	if f.Reviewing() {
		t.Fatal("the review has read everything, and goes on")
	}
	if !f.HasPassed(3) {
		t.Error("what was passed while a review was under way is taken for acknowledged")
	}
	if v := f.InboxCopy(3, 1); v != Ignore {
		t.Errorf("the inbox's copy of it is judged %d, want %d", v, Ignore)
	}

	f.Review(false)
	page(Page{Through: 4})
	page(Page{Through: 2})
	if f.Passed() != 0 {
		t.Error("the next review finds it neither in the log nor in the inbox, and goes on to remember it")
	}
}

// A server that is behind says nothing of what the log has above what it knows.
func TestReviewOfABehindServerForgetsNothingThatItDidNotRead(t *testing.T) {
	var f Follow
	f.Start(0)
	f.Tails(Tail{}, Tail{})
	for position, previous := uint64(4), uint64(0); position <= 6; position, previous = position+2, position {
		f.Copy(position, previous)
		f.Pass(Message{Position: position, Previous: previous})
	}
	f.Review(false)
	for _, p := range []Page{{Through: 4}, {Through: 1}} { // nothing, in the log and in the inbox
		r := f.NextReview()
		f.Offer(r, p)
		f.Offered(r, p)
	}
	if f.Reviewing() {
		t.Fatal("the review has read everything, and goes on")
	}
	if f.HasPassed(4) {
		t.Error("what the log has no more waits still")
	}
	if !f.HasPassed(6) {
		t.Error("what was not looked for is taken for acknowledged")
	}
}

// The inbox has it, so that the log is not needed for it; but this session has it in its window.
func TestFloorStaysBelowWhatWasTakenOver(t *testing.T) {
	var f Follow
	f.Start(0)
	f.Tails(Tail{}, Tail{})
	f.Copy(4, 0)
	f.Pass(Message{Position: 4})
	f.Copy(5, 4)
	f.Hand(Message{Position: 5, Previous: 4})
	f.Safe(4)
	f.Take(Message{Position: 4, Inbox: 1})
	f.Acknowledge(5)
	if got := f.Floor(); got != 3 {
		t.Errorf("while what was taken over is not acknowledged, the floor is %d, want 3", got)
	}
	f.Acknowledge(4)
	if got := f.Floor(); got != 5 {
		t.Errorf("when it is, the floor is %d, want 5", got)
	}
}
