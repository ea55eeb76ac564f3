package lime

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
)

var five = []Event{EventAccepted, EventDispatched, EventReceived, EventConsumed, EventFailed}

func TestWhoHasChosenNothingGetsAllFiveEvents(t *testing.T) { // L-RES-09
	var none Events
	if got := none.List(); !slices.Equal(got, five) {
		t.Errorf("%v", got)
	}
	for e := Event(0); e <= EventAuthorized; e++ {
		if got, want := none.Has(e), slices.Contains(five, e); got != want {
			t.Errorf("%v: %v", e, got)
		}
	}
	if EventsOf(five...) != allEvents {
		t.Error("to choose all five is not what it is to choose nothing")
	}
}

func TestReceiptIsReadLeniently(t *testing.T) { // L-RES-08, L-ENV-11
	for in, want := range map[string][]Event{
		`{}`:              five,
		`{"events":null}`: five,
		`{"events":[]}`:   {EventFailed}, // L-NOT-02
		`{"events":["failed","accepted","dispatched","received","consumed"]}`: five,
		`{"events":["RECEIVED","received"],"x":{"y":[1]}}`:                    {EventReceived, EventFailed},
		`{"events":["seen","","unknown",null]}`:                               {EventFailed},
		`{"events":["deleted","consumed"]}`:                                   {EventConsumed, EventFailed, EventDeleted}, // L-NOT-10
	} {
		r, err := ParseReceipt([]byte(in))
		if got := r.Events.List(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %v, %v, not %v", in, got, err, want)
		}
	}
}

func TestBadReceiptIsABadArgument(t *testing.T) {
	for _, in := range []string{``, `[]`, `"failed"`, `{"events":"failed"}`, `{"events":[1]}`, `{"events":{"failed":true}}`} {
		if r, err := ParseReceipt([]byte(in)); !errors.Is(err, &Reason{Code: CodeCommandInvalidArgument}) {
			t.Errorf("%s is %v, %v", in, r.Events.List(), err)
		}
	}
}

func FuzzReceipt(f *testing.F) {
	f.Add([]byte(`{"events":["failed","accepted","deleted"]}`))
	f.Add([]byte(`{"events":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseReceipt(b)
		if err != nil {
			return
		}
		if !r.Events.Has(EventFailed) {
			t.Error("L-NOT-02: without failed")
		}
		out, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseReceipt(out)
		if err != nil || !slices.Equal(again.Events.List(), r.Events.List()) {
			t.Errorf("%s is %v, then %v, %v", out, r.Events.List(), again.Events.List(), err)
		}
	})
}
