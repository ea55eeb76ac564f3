package delivery

import "testing"

// The log's copy of a message may come after the inbox's, and after so many others that nobody
// knows any more whether it was handed out. Then it is not, again.
func TestALateCopyOfWhatIsForgottenIsIgnored(t *testing.T) {
	f := following(0)
	for p := uint64(1); p <= maxRuns+1; p++ { // each is a run of its own
		if v := f.InboxCopy(p, p); v != HandOut {
			t.Fatalf("the inbox's copy of %d is judged %d, want %d", p, v, HandOut)
		}
		f.Hand(Message{Position: p, Inbox: p})
	}
	for p := uint64(1); p <= maxRuns+1; p++ {
		if v := f.Copy(p, p-1); v != Ignore {
			t.Errorf("the log's copy of %d is judged %d, want %d", p, v, Ignore)
		}
	}
}
