package delivery

import "testing"

// A copy of the inbox has come of what a server that is behind does not have yet.
func TestReadOfABehindInboxIsTriedAgain(t *testing.T) {
	var f Follow
	f.Start(0)
	if v := f.InboxCopy(1, 3); v != Ignore {
		t.Fatalf("a copy that comes while it is behind is judged %d, want %d", v, Ignore)
	}
	read := func(log, inbox Page, handed int, want Progress) {
		t.Helper()
		r := f.Next()
		out, had := f.Merge(r, log, inbox)
		if len(out) != handed || len(had) != 0 {
			t.Errorf("to be handed out: %+v, to be removed: %+v", out, had)
		}
		for _, m := range out {
			f.Hand(m)
		}
		if got := f.Done(r, log, inbox); got != want {
			t.Errorf("when all is handed out, progress is %d, want %d", got, want)
		}
	}
	read(Page{}, Page{Through: 2}, 0, ReadOn) // the inbox alone, then the log and it
	read(Page{Through: 5}, Page{Through: 2}, 0, Retry)
	if f.Live() {
		t.Error("it is live without what it has seen a copy of")
	}
	read(Page{Through: 5}, Page{Through: 3, Messages: []Message{{Position: 1, Inbox: 3}}}, 1, CaughtUp)
	if !f.Live() {
		t.Error("it has everything, and is not live")
	}
}
