package delivery

import (
	"slices"
	"testing"
)

// What comes to the inbox behind a later message was acknowledged before it came.
func TestWhatComesBehindALaterOneWasAcknowledged(t *testing.T) {
	var f Follow
	f.Start(0)
	r := f.Next()
	log := Page{Through: 5}
	inbox := Page{Through: 2, Messages: []Message{{Position: 5, Inbox: 1}, {Position: 3, Inbox: 2}}}
	out, had := f.Merge(r, log, inbox)
	if len(out) != 1 || out[0].Position != 5 || len(had) != 1 || had[0].Position != 3 || !had[0].Old {
		t.Fatalf("of the inbox's 5 and then 3, %+v is handed out and %+v removed", out, had)
	}
	f.Hand(out[0])
	for f.Behind() {
		if f.Done(r, log, inbox) == Retry {
			t.Fatal("there is nothing to be waited for")
		}
		r, inbox = f.Next(), Page{Through: 2}
	}
	for _, c := range []struct {
		position, sequence uint64
		want               Verdict
	}{
		{4, 3, RemoveOld}, // behind 5, which was read
		{8, 4, HandOut},
		{7, 5, RemoveOld}, // behind 8, which came as a copy
		{9, 7, HandOut},
		{6, 2, Ignore}, // it was not there when the inbox was read up to 2: it is acknowledged and removed
	} {
		if got := f.InboxCopy(c.position, c.sequence); got != c.want {
			t.Errorf("the copy of %d at %d: verdict %d, not %d", c.position, c.sequence, got, c.want)
		}
	}
}

// A copy that came while more was behind it tells nothing of what is before it.
func TestALateCopyOfAnEarlierOneIsHandedOut(t *testing.T) {
	var f Follow
	f.Start(0)
	for r := f.Next(); f.Behind(); r = f.Next() {
		f.Done(r, Page{}, Page{})
	}
	got := []Verdict{f.InboxCopy(8, 2), f.InboxCopy(7, 1)} // NATS keeps their order; a reconnect may not
	if want := []Verdict{HandOut, HandOut}; !slices.Equal(got, want) {
		t.Errorf("verdicts %v, not %v", got, want)
	}
}

// An inbox that is made anew may be swept into again from the begin of the log.
func TestAnInboxMadeAnewHasAnOrderOfItsOwn(t *testing.T) {
	var f Follow
	f.Start(0)
	for r := f.Next(); f.Behind(); r = f.Next() {
		f.Done(r, Page{}, Page{})
	}
	f.InboxCopy(8, 5)
	f.Anew()
	if got := f.InboxCopy(7, 1000); got != HandOut {
		t.Errorf("verdict %d, want %d", got, HandOut)
	}
}
