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
