package delivery

import "testing"

// following is a live Follow that was handed a message at each of the positions up to
// last, but for those that it has skipped.
func following(last uint64, skipped ...uint64) *Follow {
	f := &Follow{}
	f.Start(0)
	f.Tails(Tail{}, Tail{})
	for p := uint64(1); p <= last; p++ {
		m := Message{Position: p, Previous: p - 1}
		if len(skipped) > 0 && skipped[0] == p {
			skipped = skipped[1:]
			f.Skip(m)
		} else {
			f.Hand(m)
		}
	}
	return f
}

func wantFloor(t *testing.T, f *Follow, why string, want uint64) {
	t.Helper()
	if got := f.Floor(); got != want {
		t.Errorf("%s: the floor is %d, want %d", why, got, want)
	}
}

// What is passed over must not be taken for acknowledged by what comes behind it,
// while it is in the log alone: another session of the identity may come for it.
func TestTheFloorStaysBelowWhatWasSkipped(t *testing.T) {
	f := following(5, 2, 4)
	f.Acknowledge(1)
	if floor, ok := f.Raised(); floor != 1 || !ok {
		t.Errorf("the floor is raised to %d (%v), want 1", floor, ok)
	}
	f.Acknowledge(5)
	if floor, ok := f.Raised(); floor != 1 || ok || !f.Held() {
		t.Errorf("the floor is raised to %d (%v) over what was skipped", floor, ok)
	}
	if v := f.InboxCopy(2, 1); v != Ignore {
		t.Errorf("the inbox's copy of what was skipped is judged %d", v)
	}
	if floor, ok := f.Raised(); floor != 3 || !ok {
		t.Errorf("it is raised to %d (%v) when that is safe in the inbox, want 3", floor, ok)
	}
	f.Safe(4)
	if floor, ok := f.Raised(); floor != 5 || !ok || f.Held() {
		t.Errorf("it is raised to %d (%v) when another has acknowledged the other, want 5", floor, ok)
	}
}

func TestWhatIsSafeAlreadyHoldsNothing(t *testing.T) {
	f := following(1)
	f.Safe(2)
	f.Skip(Message{Position: 2, Previous: 1})
	f.Hand(Message{Position: 3, Previous: 2})
	f.Acknowledge(3)
	wantFloor(t, f, "another session was faster", 3)
}

// The log is only purged of what was acknowledged or is in the inbox.
func TestAPurgedLogHoldsNothing(t *testing.T) {
	f := following(3, 2)
	f.Acknowledge(3)
	if v := f.Copy(9, 0); v != HandOut {
		t.Errorf("the copy is judged %d", v)
	}
	wantFloor(t, f, "nothing is before the next one", 3)
}

func TestWhatWasSkippedIsFoundInTheInbox(t *testing.T) {
	f := following(3, 2)
	f.Acknowledge(3)
	f.Doubt()
	f.Merge(f.Next(), Page{}, Page{Messages: []Message{{Position: 2, Inbox: 1}}, Through: 1})
	wantFloor(t, f, "its copy was lost, and it is read there", 3)
}

// However much is skipped, the floor stays below it.
func TestMoreIsSkippedThanIsRemembered(t *testing.T) {
	var all []uint64
	const last = 2 * maxSkips
	for p := uint64(1); p < last; p++ {
		all = append(all, p)
	}
	f := following(last, all...)
	f.Acknowledge(last)
	for p := uint64(1); p < maxSkips; p++ {
		f.InboxCopy(p, p)
	}
	f.InboxCopy(maxSkips+1, maxSkips+1)
	wantFloor(t, f, "all that are remembered one by one are safe", maxSkips-1)
	f.Safe(last - 2)
	wantFloor(t, f, "all but one are safe", last-2)
	f.Safe(last - 1)
	wantFloor(t, f, "all are safe", last)
}
